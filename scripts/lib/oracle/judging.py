"""From outcomes to findings: agreed, differs on purpose, or disagrees without a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from oracle.application_player import ApplicationPlayer
from oracle.cases import Case, Sequence
from oracle.comparing import lesser, mismatches
from oracle.differences import DIFFERENCES
from oracle.outcome import Mismatches, Outcome
from oracle.policy_player import PolicyPlayer
from oracle.sequence_player import SequencePlayer, Step

#: A field that differs on purpose once differs in what follows from it.
FOLLOWS = {"run_count": "flow_run_run_count"}
ANY = "*"


@dataclass(slots=True)
class Judgement:
    """What is to be said of one case as one player played it."""

    player: str
    case: Case
    outcome: Outcome
    #: field -> (theirs, ours)
    mismatches: Mismatches
    #: Titles of the differences that explain them.
    explained_by: list[str] = field(default_factory=list)
    unexplained: frozenset[str] = frozenset()
    #: What should match and does not.
    lesser: Mismatches = field(default_factory=dict)


def judge(items: Iterable[Case | Sequence]) -> Iterator[Judgement]:
    """Plays all items: cases through `decide()` and through the application, sequences through the application."""
    players = (PolicyPlayer(), ApplicationPlayer())
    try:
        for item in items:
            if isinstance(item, Case):
                yield from (judgement_of(player.name, item, player.play(item)) for player in players)
            else:
                yield from _judge_steps(SequencePlayer().play(item))
    finally:
        for player in players:
            player.close()


def judgement_of(player: str, case: Case, outcome: Outcome) -> Judgement:
    found = mismatches(case.expect, outcome)
    judgement = Judgement(player, case, outcome, found, lesser=lesser(case.expect, outcome))
    left = set(found)
    for difference in DIFFERENCES:
        if not left:
            break
        if left & difference.fields and difference.about(case) and difference.meant(case, outcome):
            judgement.explained_by.append(difference.title)
            left -= difference.fields
    judgement.unexplained = frozenset(left)
    return judgement


def _judge_steps(steps: Iterable[Step]) -> Iterator[Judgement]:
    #: (run, field) that differ on purpose since an earlier step.
    carried: dict[tuple[str, str], str] = {}
    for step in steps:
        judgement = judgement_of(SequencePlayer.name, step.case, step.outcome)
        for name in sorted(judgement.unexplained):
            title = _carried(carried, step, name)
            if title is not None:
                judgement.explained_by.append(title)
                judgement.unexplained -= {name}
        explained = judgement.mismatches.keys() - judgement.unexplained
        for name in explained:
            carried[step.run, name] = judgement.explained_by[0]
        if "state" in explained:
            # From here on the run lives another life than was observed.
            carried[step.run, ANY] = judgement.explained_by[0]
        yield judgement


def _carried(carried: dict[tuple[str, str], str], step: Step, name: str) -> str | None:
    own = carried.get((step.run, name)) or carried.get((step.run, ANY))
    if own is not None or step.around is None:
        return own
    causes = (ANY, *(cause for cause, effect in FOLLOWS.items() if effect == name))
    return next((carried[step.around, cause] for cause in causes if (step.around, cause) in carried), None)

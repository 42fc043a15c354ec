"""Late is said only of a run that was scheduled and is not late yet."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import ALL, SCHEDULED, VerdictKind

LATE = "Late"


@dataclass(frozen=True)
class LateWasScheduled(Rule):
    origins = ALL
    targets = frozenset({SCHEDULED})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        run = facts.run
        if proposal.state.name != LATE or (run.state_type == SCHEDULED and run.state_name != LATE):
            return None
        return Finding(self.name, VerdictKind.REJECT, f"a run that is {run.state_name} cannot be marked {LATE}")

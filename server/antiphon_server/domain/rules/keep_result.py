"""A completed run that kept its result stays completed: others may have built on it."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import COMPLETED, StateType, VerdictKind


@dataclass(frozen=True)
class KeepResult(Rule):
    """`targets` says which moves the family of runs guards against."""

    targets: frozenset[StateType]
    forceable: bool = True
    origins = frozenset({COMPLETED})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if not facts.run.state_has_data:
            return None
        if proposal.state.type == COMPLETED and proposal.state.data is not None:
            return None
        return Finding(self.name, VerdictKind.REJECT, "the run has completed and its result is kept")

"""A flow run that has ended is not scheduled anew: nothing would pick it up, since no deployment stands behind it."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.states import SCHEDULED, TERMINAL, Origin, StateType, VerdictKind


@dataclass(frozen=True)
class NoRescheduleAfterEnd:
    name: str = "NoRescheduleAfterEnd"
    origins: frozenset[Origin] = frozenset(TERMINAL)
    targets: frozenset[StateType] = frozenset({SCHEDULED})
    forceable: bool = True

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        return Finding(
            self.name,
            VerdictKind.ABORT,
            "the run has ended and has no deployment that would run it again; propose RUNNING, or create a new run",
        )

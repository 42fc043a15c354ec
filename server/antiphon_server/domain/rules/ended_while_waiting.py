"""What waits does not undo an end that came meanwhile: a run that was cancelled stays so."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal
from antiphon_server.domain.states import ALL, TERMINAL, Origin, StateType, VerdictKind


@dataclass(frozen=True)
class EndedWhileWaiting:
    name: str = "EndedWhileWaiting"
    origins: frozenset[Origin] = TERMINAL
    targets: frozenset[StateType] = ALL
    forceable: bool = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if not facts.waited:
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"the run has ended ({facts.run.state_name}) while the proposal waited; to run it again, propose that anew",
        )

"""What waits does not undo an end that came meanwhile: a run that was cancelled stays so."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import TERMINAL, VerdictKind


@dataclass(frozen=True)
class EndedWhileWaiting(Rule):
    origins = TERMINAL
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        if not facts.waited:
            return None
        return Finding(
            self.name,
            VerdictKind.ABORT,
            f"the run has ended ({facts.run.state_name}) while the proposal waited; to run it again, propose that anew",
        )

"""SCHEDULED says when: a proposal that does not means now."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import SCHEDULED


@dataclass(frozen=True)
class ScheduleTime(Rule):
    targets = frozenset({SCHEDULED})
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        state = proposal.state
        if state.scheduled_time is not None:
            return None
        details = replace(state.details or StateDetails(), scheduled_time=now)
        reason = "no time was given, so the run is scheduled for now"
        return Finding(self.name, None, reason, replace(state, details=details))

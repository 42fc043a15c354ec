"""SCHEDULED says when: a proposal that does not means now. PENDING keeps the time that it was scheduled for."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, SCHEDULED, StateType


@dataclass(frozen=True)
class ScheduleTime(Rule):
    """`keepers` are the states whose time a claim keeps."""

    keepers: frozenset[StateType]
    targets = frozenset({SCHEDULED, PENDING})
    forceable = False

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        state = proposal.state
        if state.scheduled_time is not None:
            return None
        if state.type == SCHEDULED:
            time, reason = now, "no time was given, so the run is scheduled for now"
        elif facts.run.state_type in self.keepers and facts.run.state_scheduled_time is not None:
            time, reason = facts.run.state_scheduled_time, "the scheduled time is kept"
        else:
            return None
        details = replace(state.details or StateDetails(), scheduled_time=time)
        return Finding(self.name, None, reason, replace(state, details=details))

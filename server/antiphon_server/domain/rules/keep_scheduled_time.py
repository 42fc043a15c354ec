"""A claim keeps the time that the run was scheduled for."""

from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, Origin


@dataclass(frozen=True)
class KeepScheduledTime(Rule):
    """`origins` are the states whose time is kept. Another time may be set with the claim, not after it."""

    origins: frozenset[Origin]
    targets = frozenset({PENDING})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        state, kept = proposal.state, facts.run.state_scheduled_time
        if kept is None or kept == state.scheduled_time:
            return None
        if state.scheduled_time is not None and facts.run.state_type != PENDING:
            return None
        details = replace(state.details or StateDetails(), scheduled_time=kept)
        return Finding(self.name, None, "the scheduled time is kept", replace(state, details=details))

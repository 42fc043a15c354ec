"""A run that has ended may be run again on purpose and starts afresh; SCHEDULED needs somebody to pick it up."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding, Remember
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, RetryType
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import LIVE, SCHEDULED, TERMINAL, VerdictKind


@dataclass(frozen=True)
class RerunAfterEnd(Rule):
    origins = TERMINAL
    targets = LIVE

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        scheduled = proposal.state.type == SCHEDULED
        if scheduled and facts.run.deployment_id is None:
            return Finding(
                self.name,
                VerdictKind.ABORT,
                "the run has ended and has no deployment that would run it again",
                remedy="propose RUNNING where you can run it yourself, or create a new run",
            )
        afresh = Remember(resuming=False, retry_type=RetryType.RESCHEDULE if scheduled else None, pause_keys=())
        return Finding(self.name, None, "the run starts afresh after its end", effects=(afresh,))

"""Nothing runs before its time: the answer is WAIT until then."""

from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PENDING, RUNNING, SCHEDULED, VerdictKind


@dataclass(frozen=True)
class WaitForScheduledTime(Rule):
    origins = frozenset({SCHEDULED, PENDING})
    targets = frozenset({RUNNING})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        due = facts.run.state_scheduled_time
        if due is None or due <= now:
            return None
        return Finding(self.name, VerdictKind.WAIT, f"scheduled {(due - now) / 1e6:.3f} s from now", wait_until=due)

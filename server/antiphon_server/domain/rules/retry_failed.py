"""While retries are left, a failed attempt is followed by another: FAILED becomes AwaitingRetry."""

import random
from dataclasses import dataclass

from antiphon_server.domain.decision import Finding
from antiphon_server.domain.model import Facts, Proposal, RetryPolicy, State, StateDetails
from antiphon_server.domain.states import FAILED, RUNNING, SCHEDULED, Origin, StateType, VerdictKind

AWAITING_RETRY = "AwaitingRetry"
#: The end of the year 9999: no later time can be stored and told.
LAST_TIME = 253_402_300_800_000_000 - 1


@dataclass(frozen=True)
class RetryFailed:
    name: str = "RetryFailed"
    origins: frozenset[Origin] = frozenset({RUNNING})
    targets: frozenset[StateType] = frozenset({FAILED})
    forceable: bool = True

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        policy, run_count = facts.run.retry_policy, facts.run.run_count
        details = proposal.state.details
        if policy is None or run_count > policy.max_retries or (details is not None and details.retriable is False):
            return None
        due = min(now + delay(policy, run_count, seed=proposal.transition_id), LAST_TIME)
        awaiting = State(
            SCHEDULED,
            AWAITING_RETRY,
            message=proposal.state.message,
            details=StateDetails(scheduled_time=due),
            id=proposal.state.id,
        )
        reason = f"retry {run_count} of {policy.max_retries} in {(due - now) / 1e6:g} s"
        return Finding(self.name, VerdictKind.REJECT, reason, awaiting)


def delay(policy: RetryPolicy, retry: int, *, seed: str) -> int:
    """Microseconds before the `retry`-th retry (from 1). The last delay repeats; jitter is drawn from `seed`, so that
    the decision stays a function of its input."""
    if not policy.delays:
        return 0
    base = policy.delays[min(retry, len(policy.delays)) - 1]
    return round(base * (1 + policy.jitter_factor * random.Random(seed).random()))

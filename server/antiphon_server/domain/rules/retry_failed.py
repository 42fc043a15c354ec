"""While retries are left, a failed attempt is followed by another: FAILED becomes AwaitingRetry."""

import random
from dataclasses import dataclass, replace

from antiphon_server.domain.decision import Effect, Finding, KeepSlots, Remember
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import LAST_TIME, Proposal, RetryPolicy, RetryType, RunKind, State, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import FAILED, RUNNING, SCHEDULED, VerdictKind

AWAITING_RETRY = "AwaitingRetry"
#: Microseconds for which a slot is kept beyond the time of the retry, should nobody come back for it.
SLOT_LEASE = 300_000_000


@dataclass(frozen=True)
class RetryFailed(Rule):
    origins = frozenset({RUNNING})
    targets = frozenset({FAILED})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        policy, run_count = facts.run.retry_policy, facts.run.run_count
        details = proposal.state.details
        if policy is None or run_count > policy.max_retries or (details is not None and details.retriable is False):
            return self._spent(facts)
        due = min(now + delay(policy, run_count, seed=proposal.transition_id), LAST_TIME)
        awaiting = State(
            SCHEDULED,
            AWAITING_RETRY,
            message=proposal.state.message,
            details=replace(_carried(facts), scheduled_time=due),
            data=proposal.state.data,
            id=proposal.state.id,
        )
        reason = f"retry {run_count} of {policy.max_retries} in {(due - now) / 1e6:g} s"
        return Finding(self.name, VerdictKind.REJECT, reason, awaiting, effects=_kept(facts, due))

    def _spent(self, facts: Facts) -> Finding | None:
        if facts.run.kind is RunKind.TASK_RUN or (facts.run.retry_type is None and not facts.run.resuming):
            return None
        forgotten = Remember(resuming=False, retry_type=None, pause_keys=facts.run.pause_keys)
        return Finding(self.name, None, "no retry is left", effects=(forgotten,))


def _carried(facts: Facts) -> StateDetails:
    """A deferred task run waits for a worker again, with the same arguments."""
    held = facts.run.details
    return StateDetails(deferred=held.deferred, task_parameters_id=held.task_parameters_id)


def _kept(facts: Facts, due: int) -> tuple[Effect, ...]:
    """The process that failed is the one that tries again, so a flow run keeps its slots until then."""
    if facts.run.kind is RunKind.TASK_RUN:
        return ()
    return (Remember(resuming=False, retry_type=RetryType.IN_PROCESS, pause_keys=()), KeepSlots(due + SLOT_LEASE))


def delay(policy: RetryPolicy, retry: int, *, seed: str) -> int:
    """Microseconds before the `retry`-th retry (from 1). The last delay repeats; jitter is drawn from `seed`, so that
    the decision stays a function of its input."""
    if not policy.delays:
        return 0
    base = policy.delays[min(retry, len(policy.delays)) - 1]
    return round(base * (1 + policy.jitter_factor * random.Random(seed).random()))

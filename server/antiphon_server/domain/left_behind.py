"""What becomes of a run whose holder went away."""

from antiphon_server.domain.model import Run, RunKind, State, StateDetails
from antiphon_server.domain.states import CANCELLED, CANCELLING, CRASHED, DEFAULT_NAMES, PENDING, SCHEDULED, StateType

#: How often, besides its retries, a deferred task run may take its worker with it before nobody is given it any more:
#: one that kills whoever runs it must not go through all workers.
LOSSES = 2


def left_behind(run: Run, why: str, now: int) -> State:
    """The state that follows: what a worker has claimed and not begun waits for a worker again, as a deferred task run
    does; any other has CRASHED, or is CANCELLED where that was asked for. `why` is for people."""
    if run.state_type == CANCELLING:
        return _ended(CANCELLED, why)
    held = run.details
    if run.kind is RunKind.FLOW_RUN and run.state_type == PENDING and run.deployment_id is not None:
        # A worker claimed it, and its code has not begun.
        due = max(now, run.state_scheduled_time or now)
        message = f"{why}; another worker takes the run"
        return State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], message, StateDetails(scheduled_time=due))
    if not held.deferred:
        return _ended(CRASHED, why)
    retries = run.retry_policy.max_retries if run.retry_policy is not None else 0
    if run.state_type != PENDING and run.run_count > retries + LOSSES:
        return _ended(CRASHED, f"{why}, as {run.run_count - 1} before it; it is not given to another worker")
    details = StateDetails(scheduled_time=now, deferred=True, task_parameters_id=held.task_parameters_id)
    return State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], f"{why}; another worker takes the run", details)


def _ended(type_: StateType, why: str) -> State:
    return State(type_, DEFAULT_NAMES[type_], message=why)

"""What becomes of a run whose holder went away, state by state."""

import pytest

from antiphon_server.domain.left_behind import LOSSES, left_behind
from antiphon_server.domain.model import RetryPolicy, Run, RunKind, StateDetails
from antiphon_server.domain.states import CANCELLED, CANCELLING, CRASHED, PENDING, RUNNING, SCHEDULED, StateType

NOW = 1_000
DEFERRED = StateDetails(deferred=True, task_parameters_id="p")


@pytest.mark.parametrize(
    ("state", "details", "count", "retries", "follows"),
    [
        (PENDING, StateDetails(), 0, 0, CRASHED),
        (RUNNING, StateDetails(), 1, 3, CRASHED),
        (CANCELLING, StateDetails(), 1, 0, CANCELLED),
        (CANCELLING, DEFERRED, 1, 0, CANCELLED),
        (PENDING, DEFERRED, 0, 0, SCHEDULED),
        (PENDING, DEFERRED, 99, 0, SCHEDULED),
        (RUNNING, DEFERRED, 1, 0, SCHEDULED),
        (RUNNING, DEFERRED, LOSSES, 0, SCHEDULED),
        (RUNNING, DEFERRED, LOSSES + 1, 0, CRASHED),
        (RUNNING, DEFERRED, LOSSES + 1, 1, SCHEDULED),
        (RUNNING, DEFERRED, LOSSES + 2, 1, CRASHED),
    ],
)
def test_each_state(state: StateType, details: StateDetails, count: int, retries: int, follows: StateType) -> None:
    policy = RetryPolicy(retries) if retries else None
    run = Run("r", run_count=count, state_type=state, details=details, retry_policy=policy, kind=RunKind.TASK_RUN)
    found = left_behind(run, "it is gone", NOW)
    assert found.type is follows and found.message.startswith("it is gone")
    if follows is SCHEDULED:
        assert found.details == StateDetails(scheduled_time=NOW, deferred=True, task_parameters_id="p")

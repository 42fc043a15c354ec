"""Task runs by the client."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from antiphon import flow, task
from antiphon.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from antiphon.client.schemas.objects import Constant, StateType, TaskRunPolicy, TaskRunResult
from antiphon.client.schemas.responses import SetStateStatus
from antiphon.client.schemas.sorting import TaskRunSort
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.states import Completed, Failed, Running
from stored import Stored


@task(tags=["here"], version="3", retries=2, retry_delay_seconds=[1, 5], retry_jitter_factor=0.5)
def one(x: int = 1) -> int:
    return x


@task
def two(x: int) -> int:
    raise ValueError(x)


def test_runs_that_were_run(api: Any, stored: Stored) -> None:
    @flow(name=f"tasks-{uuid4().hex[:8]}")
    def around() -> None:
        two(one.submit(1), return_state=True)

    ended = around(return_state=True)
    of_mine = FlowFilter(name=FlowFilterName(any_=[around.name]))
    first, second = api.read_task_runs(flow_filter=of_mine, sort=TaskRunSort.NAME_ASC)
    assert (first.name, first.task_version, first.tags, first.dynamic_key) == ("one-0", "3", ["here"], "0")
    assert first.flow_run_id == second.flow_run_id == UUID(ended.state_details.flow_run_id)
    assert first.state.state_details.flow_run_id == ended.state_details.flow_run_id
    assert first.empirical_policy == TaskRunPolicy(
        max_retries=2, retries=2, retry_delay_seconds=1, retry_delay=[1, 5], retry_jitter_factor=0.5
    )
    assert second.task_inputs == {"upstream": [TaskRunResult(id=first.id)]}
    assert (second.state_type, second.run_count, second.flow_run_run_count) == (StateType.FAILED, 1, 1)
    with pytest.raises(ValueError):
        second.state.outcome()
    failed = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.FAILED])))
    assert [run.id for run in api.read_task_runs(flow_filter=of_mine, task_run_filter=failed)] == [second.id]
    assert [state.name for state in api.read_task_run_states(first.id)] == ["Pending", "Running", "Completed"]


def test_create_change_and_delete(api: Any) -> None:
    id = uuid4()
    inputs = {"x": [TaskRunResult(id=uuid4())], "y": [Constant(type="int")]}
    run = api.create_task_run(one, None, "0", id=id, name="mine", extra_tags=["more", "here"], task_inputs=inputs)
    assert (run.id, run.name, run.tags, run.flow_run_id) == (id, "mine", ["here", "more"], None)
    assert run.state_name == "Pending" and run.task_inputs["upstream"] == inputs["x"]
    api.set_task_run_name(id, "other")
    assert api.read_task_run(str(id)).name == "other"
    with pytest.raises(ObjectAlreadyExists):
        api.create_task_run(two, None, "1", id=id)
    assert api.create_task_run(one, None, "1", state=Running()).state.is_running()
    api.delete_task_run(id)
    with pytest.raises(ObjectNotFound):
        api.read_task_run(id)


def test_set_states(api: Any) -> None:
    run = api.create_task_run(one, None, "0")
    assert api.set_task_run_state(run.id, Running()).status is SetStateStatus.ACCEPT
    result = api.set_task_run_state(run.id, Failed(message="bad"))
    assert (result.status, result.state.name) == (SetStateStatus.REJECT, "AwaitingRetry")
    assert result.state.state_details.task_run_id == str(run.id) and result.details.reason
    assert api.set_task_run_state(run.id, Completed(), force=True).status is SetStateStatus.ACCEPT
    assert api.read_task_run(run.id).end_time is not None

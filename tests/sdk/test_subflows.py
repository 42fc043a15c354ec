"""Flows in flows: runs of their own, mirrored by a task run in the parent."""

import asyncio
import threading
from typing import Any

import pytest

from antiphon import allow_failure, flow, runtime, task
from antiphon.states import State
from kinds import Kind
from stored import Stored, type_of


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


def test_the_mirrored_task_run(kind: Kind, stored: Stored) -> None:
    @kind.flow(name="child")
    def child(x: int) -> Any:
        run = runtime.flow_run
        return x + 1, run.id, run.parent_flow_run_id, run.root_flow_run_id

    @kind.flow()
    def parent() -> Any:
        first = yield child(1)
        second = yield child(2)
        return first, second

    state = kind.call(parent, return_state=True)
    parent_id = flow_run_id(state)
    first, second = state.result()
    assert (first[0], second[0]) == (2, 3)
    assert first[2:] == second[2:] == (parent_id, parent_id)
    mirrors = stored.task_runs(parent_id)
    assert [(run.name, run.task_key) for run in mirrors] == [("child-0", "subflow:child"), ("child-1", "subflow:child")]
    for mirror, result in zip(mirrors, (first, second), strict=True):
        child_run = stored.flow_run(result[1])
        assert child_run.parent_task_run_id == mirror.id
        assert mirror.state.details.child_flow_run_id == child_run.id
        assert mirror.state.data == child_run.state.data
        assert stored.task_run_history(mirror.id) == stored.flow_run_history(child_run.id)


def test_futures_and_states_stand_for_their_results(kind: Kind, stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    @task
    def bad() -> int:
        raise ValueError("bad")

    @kind.flow()
    def child(x: int, y: Any = 0) -> int:
        return x + 1

    @kind.flow()
    def parent() -> Any:
        of_future = yield child(one.submit())
        of_state = yield child(one(return_state=True))
        after = yield child(1, wait_for=[one.submit()])
        allowed = yield child(1, y=[allow_failure(bad.submit())])
        refused = yield child(bad.submit(), return_state=True)
        after_bad = yield child(1, wait_for=[bad.submit()], return_state=True)
        return of_future, of_state, after, allowed, refused, after_bad.name

    *values, refused, after_bad = kind.call(parent)
    assert values == [2, 2, 2, 2]
    assert refused.name == after_bad == "NotReady"
    run = stored.flow_run(flow_run_id(refused))
    assert run.state.name == "NotReady" and "did not complete: it is Failed" in run.state.message
    assert run.run_count == 0
    assert stored.task_run(run.parent_task_run_id).state.name == "NotReady"


def test_a_flow_that_waits_for_its_inputs_can_be_stopped(kind: Kind, stored: Stored) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @task
    def slow() -> int:
        begun.set()
        assert go_on.wait(20)
        return 1

    @kind.flow()
    def child(x: int) -> None:
        raise AssertionError("its input never came")

    @kind.flow(timeout_seconds=0.3)
    def parent() -> Any:
        future = slow.submit()
        assert begun.wait(20)
        try:
            yield child(future)
        finally:
            go_on.set()

    state = kind.call(parent, return_state=True)
    assert state.name == "TimedOut"
    assert [run.task_key.rpartition(".")[2] for run in stored.task_runs(flow_run_id(state))] == ["slow"]


def test_the_mirror_fails_and_retries_as_the_subflow_does(kind: Kind, stored: Stored) -> None:
    @kind.flow(retries=1)
    def child() -> None:
        raise ValueError("bad")

    @kind.flow()
    def parent() -> Any:
        state = yield child(return_state=True)
        return flow_run_id(state)

    state = kind.call(parent, return_state=True)
    assert state.is_completed()
    mirror = stored.task_runs(flow_run_id(state))[0]
    expected = ["Pending", "Running", "AwaitingRetry", "Retrying", "Failed"]
    assert stored.flow_run_history(state.result()) == expected
    assert type_of(mirror.state) == "FAILED"
    assert mirror.state.message == "ValueError: bad"


def test_a_failure_is_raised_in_the_parent(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def child() -> None:
        raise ValueError("of the child")

    @kind.flow()
    def parent() -> Any:
        try:
            yield child()
        except ValueError as error:
            return str(error)

    assert kind.call(parent) == "of the child"


def test_the_state_of_a_subflow_stands_for_its_parent(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def child() -> None:
        raise ValueError("of the child")

    @kind.flow()
    def parent() -> Any:
        state = yield child(return_state=True)
        return state

    state = kind.call(parent, return_state=True)
    assert (state.type, state.message) == ("FAILED", "1/1 states failed.")


def test_three_levels(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def inner() -> Any:
        return runtime.flow_run.root_flow_run_id, runtime.flow_run.parent_flow_run_id

    @kind.flow()
    def middle() -> Any:
        value = yield inner()
        return runtime.flow_run.id, *value

    @kind.flow()
    def outer() -> Any:
        value = yield middle()
        return value

    state = kind.call(outer, return_state=True)
    middle_id, root, parent = state.result()
    assert root == flow_run_id(state)
    assert parent == middle_id


def test_a_task_calls_a_flow(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def child() -> Any:
        return runtime.flow_run.parent_flow_run_id, runtime.task_run.id

    @kind.task()
    def step() -> Any:
        value = yield child()
        return value

    @kind.flow()
    def parent() -> Any:
        value = yield step()
        return value

    state = kind.call(parent, return_state=True)
    # Inside the subflow no task run is current.
    assert state.result() == (flow_run_id(state), None)
    assert [run.name for run in stored.task_runs(flow_run_id(state))] == ["step-0", "child-0"]
    assert kind.call(step) == (None, None)


def test_a_submitted_task_calls_a_flow(stored: Stored) -> None:
    @flow
    def child(x: int) -> int:
        return x * 2

    @task
    def step(x: int) -> int:
        return child(x)

    @flow
    def parent() -> list[int]:
        return step.map([1, 2, 3]).result()

    assert parent() == [2, 4, 6]


def test_a_subflow_has_a_task_runner_of_its_own(stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    @flow
    def child() -> Any:
        return one.submit()

    @flow
    def parent() -> int:
        return int(child() + one.submit().result())

    assert parent() == 2


@pytest.mark.parametrize(
    ("parent_says", "child_says", "logged"),
    [(True, None, True), (True, False, False), (None, True, True), (None, None, False)],
)
def test_log_prints_is_inherited(
    stored: Stored, parent_says: bool | None, child_says: bool | None, logged: bool
) -> None:
    @flow(log_prints=child_says)
    def child() -> str:
        print("printed")
        return runtime.flow_run.id or ""

    @flow(log_prints=parent_says)
    def parent() -> str:
        return child()

    assert ("printed" in [log.message for log in stored.logs(parent())]) is logged


def test_flows_of_both_kinds_call_each_other(stored: Stored) -> None:
    @flow
    async def later(x: int) -> int:
        return x + 1

    @flow
    def now(x: int) -> int:
        return x * 10

    @flow
    def sync_around() -> int:
        return asyncio.run(later(1)) + now(1)

    @flow
    async def async_around() -> int:
        return await later(1) + now(1)

    assert sync_around() == 12
    assert asyncio.run(async_around()) == 12

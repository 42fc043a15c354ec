"""A flow that is tried again takes over what its tasks completed with the same inputs."""

import threading
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.states import State
from kinds import Kind
from stored import Stored


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


class Attempts:
    """Fails until it has been asked often enough."""

    def __init__(self, needed: int = 2) -> None:
        self.count = 0
        self.needed = needed

    def next(self) -> int:
        self.count += 1
        if self.count < self.needed:
            raise ValueError(f"attempt {self.count}")
        return self.count


def test_completed_tasks_are_not_run_again(kind: Kind, stored: Stored) -> None:
    ran: list[Any] = []
    attempts = Attempts(3)

    @kind.task()
    def step(x: int) -> int:
        ran.append(x)
        return x * 10

    @kind.flow(retries=2)
    def around() -> Any:
        first = yield step(1)
        second = yield step(first)
        attempts.next()
        return [first, second]

    state = kind.call(around, return_state=True)
    assert state.result() == [10, 100]
    assert ran == [1, 10]
    assert stored.flow_run(flow_run_id(state)).run_count == 3
    assert stored.flow_run_history(flow_run_id(state)) == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip
    runs = stored.task_runs(flow_run_id(state))
    assert [run.name for run in runs] == ["step-0", "step-1"]
    assert all(stored.task_run_history(run.id) == ["Pending", "Running", "Completed"] for run in runs)


def test_other_inputs_run_again(kind: Kind, stored: Stored) -> None:
    ran: list[int] = []
    attempts = Attempts()

    @kind.task()
    def step(x: int) -> int:
        ran.append(x)
        return x

    @kind.flow(retries=1)
    def around() -> Any:
        value = yield step(attempts.count)
        attempts.next()
        return value

    state = kind.call(around, return_state=True)
    assert state.result() == 1
    assert ran == [0, 1]
    assert len(stored.task_runs(flow_run_id(state))) == 2


def test_a_failed_task_is_run_again_as_the_same_run(kind: Kind, stored: Stored) -> None:
    attempts = Attempts()

    @kind.task()
    def flaky() -> int:
        return attempts.next()

    @kind.flow(retries=1)
    def around() -> Any:
        value = yield flaky()
        return value

    state = kind.call(around, return_state=True)
    assert state.result() == 2
    runs = stored.task_runs(flow_run_id(state))
    assert len(runs) == 1
    assert stored.task_run_history(runs[0].id) == ["Pending", "Running", "Failed", "Pending", "Running", "Completed"]


def test_each_attempt_gives_a_task_all_its_retries(kind: Kind, stored: Stored) -> None:
    attempts = Attempts(4)

    @kind.task(retries=1)
    def flaky() -> int:
        return attempts.next()

    @kind.flow(retries=1)
    def around() -> Any:
        value = yield flaky()
        return value

    assert kind.call(around) == 4


def test_submitted_and_mapped_tasks_are_taken_over_too(kind: Kind, stored: Stored) -> None:
    ran: list[Any] = []
    attempts = Attempts()

    @task
    def step(x: Any) -> Any:
        ran.append(x)
        return x

    @kind.flow(retries=1)
    def around() -> Any:
        first = step.submit("a")
        second = step.submit([first])
        rest = step.map([1, 2]).result()
        second.wait()
        attempts.next()
        return [second.result(), *rest, first.task_run_id, second.task_run_id]

    state = kind.call(around, return_state=True)
    assert state.result()[:3] == [["a"], 1, 2]
    assert sorted(map(str, ran)) == ["1", "2", "['a']", "a"]
    runs = stored.task_runs(flow_run_id(state))
    assert [run.state.name for run in runs] == ["Completed"] * 4
    assert state.result()[3:] == [runs[0].id, runs[1].id]


def test_a_task_whose_inputs_changed_runs_again_and_so_does_what_follows(kind: Kind, stored: Stored) -> None:
    ran: list[Any] = []
    attempts = Attempts()

    @task
    def step(x: Any) -> Any:
        ran.append(x)
        return x

    @kind.flow(retries=1)
    def around() -> Any:
        first = step.submit(attempts.count)
        second = step.submit(first)
        second.wait()
        attempts.next()
        return second

    state = kind.call(around, return_state=True)
    assert state.result() == 1
    assert ran == [0, 0, 1, 1]
    assert len(stored.task_runs(flow_run_id(state))) == 4


def test_a_task_that_was_not_ready_is_the_same_run(kind: Kind, stored: Stored) -> None:
    attempts = Attempts()

    @task
    def flaky() -> int:
        return attempts.next()

    @task
    def follows(x: int) -> int:
        return x * 10

    @kind.flow(retries=1)
    def around() -> Any:
        return follows.submit(flaky.submit())

    state = kind.call(around, return_state=True)
    assert state.result() == 20
    runs = stored.task_runs(flow_run_id(state))
    assert [run.state.name for run in runs] == ["Completed", "Completed"]
    assert stored.task_run_history(runs[1].id)[:2] == ["Pending", "NotReady"]


def test_a_result_that_was_not_kept_is_in_memory(kind: Kind, stored: Stored) -> None:
    ran: list[int] = []
    attempts = Attempts()

    @kind.task(persist_result=False)
    def step() -> int:
        ran.append(1)
        return 5

    @kind.flow(retries=1)
    def around() -> Any:
        value = yield step()
        attempts.next()
        return value

    assert kind.call(around) == 5
    assert ran == [1]


def test_inputs_that_cannot_be_told_apart_run_again(kind: Kind, stored: Stored) -> None:
    ran: list[int] = []
    attempts = Attempts()
    unpicklable = threading.Lock()

    @kind.task()
    def step(x: Any) -> None:
        ran.append(1)

    @kind.flow(retries=1)
    def around() -> Any:
        yield step(unpicklable)
        attempts.next()

    kind.call(around)
    assert ran == [1, 1]


def test_a_subflow_runs_again(kind: Kind, stored: Stored) -> None:
    ran: list[int] = []
    attempts = Attempts()

    @kind.flow()
    def child() -> int:
        ran.append(1)
        return 1

    @kind.flow(retries=1)
    def around() -> Any:
        value = yield child()
        attempts.next()
        return value

    state = kind.call(around, return_state=True)
    assert state.result() == 1
    assert ran == [1, 1]
    assert [run.state.name for run in stored.task_runs(flow_run_id(state))] == ["Completed", "Completed"]


def test_hooks_of_a_task_that_is_taken_over_stay_silent(kind: Kind, stored: Stored) -> None:
    told: list[str] = []
    attempts = Attempts()
    decorated = kind.task(on_completion=[lambda task, run, state: told.append(state.name)])(lambda: 1)

    @kind.flow(retries=1)
    def around() -> Any:
        yield decorated()
        attempts.next()

    kind.call(around)
    assert told == ["Completed"]


def test_delays_between_attempts(stored: Stored) -> None:
    @flow(retries=2, retry_delay_seconds=0.02)
    def around() -> None:
        raise ValueError("bad")

    state = around(return_state=True)
    waits = [
        each.details.scheduled_time.ToNanoseconds() - each.create_time.ToNanoseconds()
        for each in stored.flow_run_states(flow_run_id(state))
        if each.name == "AwaitingRetry"
    ]
    assert waits == pytest.approx([20_000_000, 20_000_000], abs=2_000_000)


def test_a_time_limit_is_tried_again(kind: Kind, stored: Stored) -> None:
    attempts = Attempts(1)

    @kind.flow(retries=1, timeout_seconds=0.1)
    def slow_at_first() -> Any:
        if attempts.next() == 1:
            yield kind.pause(30)
        return "in time"

    assert kind.call(slow_at_first) == "in time"


def test_futures_of_a_failed_attempt_have_ended(kind: Kind, stored: Stored) -> None:
    """Nothing of one attempt runs on into the next."""
    running: list[int] = []
    attempts = Attempts()

    @task
    def step() -> None:
        running.append(1)
        running.remove(1)

    @kind.flow(retries=1)
    def around() -> None:
        assert running == []
        for _ in range(5):
            step.submit()
        attempts.next()

    kind.call(around)
    assert running == []


def test_what_an_attempt_did_to_a_result_is_not_taken_over(kind: Kind, stored: Stored) -> None:
    attempts = Attempts(3)
    make = kind.task()(lambda: [1])

    @kind.flow(retries=2)
    def around() -> Any:
        values = yield make()
        submitted = make.submit().result()
        values.append(2)
        submitted.append(2)
        attempts.next()
        return values, submitted

    state = kind.call(around, return_state=True)
    assert state.result() == ([1, 2], [1, 2])
    assert len(stored.task_runs(flow_run_id(state))) == 2

"""Futures of submitted tasks."""

import concurrent.futures
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.exceptions import CancelledRun, FailedRun
from antiphon.future_protocol import is_future
from antiphon.futures import (
    AntiphonFuture,
    AntiphonFutureList,
    as_completed,
    resolve_futures_to_results,
    resolve_futures_to_states,
    wait,
)
from antiphon.states import Cancelled, State
from antiphon.task_runners import ThreadPoolTaskRunner
from kinds import Kind
from stored import Stored


class Gates:
    """Opens one gate at a time."""

    def __init__(self) -> None:
        self.gates = [threading.Event() for _ in range(3)]

    def open_all(self) -> None:
        for gate in self.gates:
            gate.set()


@task
def pass_gate(gate: threading.Event, value: Any = None) -> Any:
    assert gate.wait(30)
    if isinstance(value, Exception):
        raise value
    return value


def test_a_future_from_beginning_to_end(kind: Kind, stored: Stored) -> None:
    gate = threading.Event()
    seen: list[Any] = []

    @kind.flow()
    def around() -> Any:
        future = pass_gate.submit(gate, 5)
        anything: Any = future
        assert is_future(anything)
        assert future.state.is_pending()
        with pytest.raises(TimeoutError, match=r"has not ended within 0\.01 second"):
            future.result(timeout=0.01)
        future.wait(timeout=0.01)
        future.add_done_callback(lambda it: seen.append((it is future, it.state.name)))
        assert seen == []
        gate.set()
        assert future.result() == 5
        assert future.result() == 5
        future.wait()
        assert future.state.is_completed()
        future.add_done_callback(lambda it: seen.append("again"))
        return future.task_run_id

    run_id = kind.call(around)
    assert stored.task_run(run_id).state.name == "Completed"
    assert seen == [(True, "Completed"), "again"]


def test_repr() -> None:
    running: Any = concurrent.futures.Future()
    assert repr(AntiphonFuture("an id", running)) == "AntiphonFuture('an id', Pending())"


def test_failures(stored: Stored) -> None:
    gate = threading.Event()
    gate.set()

    @task
    def cancelled() -> State:
        return Cancelled()

    @flow
    def around() -> Any:
        error = ValueError("bad")
        failed = pass_gate.submit(gate, error)
        with pytest.raises(ValueError, match="bad"):
            failed.result()
        assert failed.result(raise_on_failure=False) is error
        with pytest.raises(CancelledRun):
            cancelled.submit().result()
        return None

    around()


def test_return_state_waits(kind: Kind, stored: Stored) -> None:
    decorated = kind.task()(lambda: 5)

    @kind.flow()
    def around() -> Any:
        state = decorated.submit(return_state=True)
        assert state.is_completed()
        return state.outcome()

    assert kind.call(around) == 5


def test_lists(stored: Stored) -> None:
    gates = Gates()

    @flow
    def around() -> Any:
        futures = pass_gate.map(gates.gates, ["a", "b", "c"])
        assert len(futures) == 3
        with pytest.raises(TimeoutError, match=r"Not all 3 task runs have ended within 0\.01 second"):
            futures.result(timeout=0.01)
        futures.wait(timeout=0.01)
        gates.open_all()
        assert futures.result() == ["a", "b", "c"]
        failing = pass_gate.map(gates.gates, [1, ValueError("bad"), 3])
        with pytest.raises(ValueError, match="bad"):
            failing.result()
        values = failing.result(raise_on_failure=False)
        assert values[::2] == [1, 3]
        assert isinstance(values[1], ValueError)

    around()


def test_wait_and_as_completed(stored: Stored) -> None:
    gates = Gates()

    @flow
    def around() -> None:
        futures = [pass_gate.submit(gate, name) for gate, name in zip(gates.gates, "abc", strict=True)]
        gates.gates[1].set()
        futures[1].wait()
        done, not_done = wait(futures, timeout=0.01)
        assert (done, not_done) == ({futures[1]}, {futures[0], futures[2]})
        assert wait(futures, timeout=0).not_done == not_done
        with pytest.raises(TimeoutError):
            list(as_completed(futures, timeout=0.01))
        ended = as_completed(futures)
        assert next(ended) is futures[1]
        gates.gates[2].set()
        assert next(ended) is futures[2]
        gates.gates[0].set()
        assert next(ended) is futures[0]
        assert wait(futures) == wait(futures)
        assert wait(futures).not_done == set()
        assert wait([]).done == set()
        assert list(as_completed([])) == []

    around()


def test_results_in_place_of_futures(stored: Stored) -> None:
    gate = threading.Event()
    gate.set()

    @flow
    def around() -> Any:
        good, bad = pass_gate.submit(gate, 5), pass_gate.submit(gate, ValueError("bad"))
        assert resolve_futures_to_results({"a": [good, 1], "b": good}) == {"a": [5, 1], "b": 5}
        assert resolve_futures_to_results(7) == 7
        with pytest.raises(ValueError, match="bad"):
            resolve_futures_to_results([bad])
        ended = resolve_futures_to_states([good, (bad, 3)])
        assert (ended[0].name, ended[1][0].name, ended[1][1]) == ("Completed", "Failed", 3)

    around()


def test_a_submitted_task_that_is_broken_off_has_crashed(stored: Stored) -> None:
    @task
    def leaves() -> None:
        raise SystemExit(3)

    @flow
    def around() -> Any:
        future = leaves.submit()
        future.wait()
        return future.state.name, future.task_run_id

    name, run_id = around()
    assert name == "Crashed"
    assert stored.task_run_history(run_id)[-1] == "Crashed"


def test_submit_outside_of_a_flow() -> None:
    with pytest.raises(RuntimeError, match=r"`submit` works inside a flow only: .* Call the task directly"):
        pass_gate.submit(threading.Event())


def test_submit_in_a_task_on_its_own(stored: Stored) -> None:
    @task
    def outer() -> None:
        pass_gate.submit(threading.Event())

    with pytest.raises(RuntimeError, match="`submit` works inside a flow only"):
        outer()


def test_futures_in_arguments_are_awaited(stored: Stored) -> None:
    gate = threading.Event()

    @task
    def total(values: list[Any], by_name: dict[str, Any], plain: Any = 0) -> int:
        return sum(values) + sum(by_name.values()) + int(plain)

    @flow
    def around() -> int:
        late = pass_gate.submit(gate, 1)
        future = total.submit([late, 10], {"a": late}, plain=late)
        gate.set()
        return int(future.result())

    assert around() == 13


def test_a_long_chain(stored: Stored) -> None:
    @task
    def plus(x: int) -> int:
        return x + 1

    @flow
    def around() -> Any:
        future: Any = plus.submit(0)
        for _ in range(99):
            future = plus.submit(future)
        return future

    assert around() == 100


def test_a_failure_runs_down_the_chain(stored: Stored) -> None:
    gate = threading.Event()
    gate.set()

    @task
    def plus(x: int) -> int:
        return x + 1

    @flow
    def around() -> Any:
        first = pass_gate.submit(gate, ValueError("bad"))
        second = plus.submit(first)
        third = plus.submit(second)
        third.wait()
        return [each.state.name for each in (first, second, third)]

    begin = time.monotonic()
    assert around() == ["Failed", "NotReady", "NotReady"]
    assert time.monotonic() - begin < 20


def test_list_type_and_failed_run() -> None:
    assert AntiphonFutureList([]).result() == []
    assert issubclass(FailedRun, Exception)


def in_time(function: Callable[[], Any]) -> Any:
    """Calls it in a thread that no failure of this test makes wait for good."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(20)
    assert results, "it does not end"
    return results[0]


def wait_for_all(future: AntiphonFuture[Any]) -> None:
    wait([future])


def wait_for_the_first(future: AntiphonFuture[Any]) -> None:
    next(as_completed([future]))


WAYS: list[Callable[[AntiphonFuture[Any]], Any]] = [
    lambda future: future.result(),
    lambda future: future.wait(),
    lambda future: resolve_futures_to_results([future]),
    lambda future: AntiphonFutureList([future]).result(),
    wait_for_all,
    wait_for_the_first,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_flow_whose_time_is_up_ends_though_a_task_waits(
    stored: Stored, way: Callable[[AntiphonFuture[Any]], Any]
) -> None:
    """The pool has no thread for the task that is waited for."""
    leaf = task(lambda: 1)

    @task
    def outer() -> None:
        way(leaf.submit())

    @flow(timeout_seconds=0.5, task_runner=ThreadPoolTaskRunner(max_workers=1))
    def around() -> None:
        outer.submit().result()

    state = in_time(lambda: around(return_state=True))
    assert state.name == "TimedOut"
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.name for run in runs] == ["Cancelled", "Cancelled"]


@pytest.mark.parametrize("way", WAYS)
def test_a_task_whose_time_is_up_as_it_waits(stored: Stored, way: Callable[[AntiphonFuture[Any]], Any]) -> None:
    gate = threading.Event()

    @task(timeout_seconds=0.2)
    def outer(future: Callable[[], AntiphonFuture[Any]]) -> None:
        way(future())

    @flow
    def around() -> Any:
        leaf = pass_gate.submit(gate)
        waiting = outer.submit(lambda: leaf)
        waiting.wait()
        assert leaf.state.is_pending()
        gate.set()
        return waiting.state.name

    assert in_time(around) == "TimedOut"


def test_waiting_in_vain_leaves_nothing_behind(stored: Stored) -> None:
    gate = threading.Event()

    @flow
    def around() -> None:
        future = pass_gate.submit(gate)
        for _ in range(3):
            future.wait(timeout=0)
            wait([future], timeout=0)
            with pytest.raises(TimeoutError, match=r"1 of 1 task runs have not ended within 0 second"):
                list(as_completed([future], timeout=0))
        assert future._waiting == []
        gate.set()

    around()


def test_states_of_a_future_know_their_run() -> None:
    pool: concurrent.futures.Future[State] = concurrent.futures.Future()
    future = AntiphonFuture("an id", pool)
    assert future.state.state_details.task_run_id == "an id"
    pool.cancel()
    assert future.state.is_cancelled()
    assert future.state.state_details.task_run_id == "an id"
    broken: concurrent.futures.Future[State] = concurrent.futures.Future()
    broken.set_exception(KeyboardInterrupt())
    crashed = AntiphonFuture("an id", broken)
    assert crashed.state.is_crashed()
    assert crashed.state.state_details.task_run_id == "an id"

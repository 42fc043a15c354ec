"""What every task runner does the same. Tasks stand inside of the tests, so that they travel by value."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from antiphon import allow_failure, flow, get_run_logger, runtime, tags, task, unmapped
from antiphon.annotations import quote
from antiphon.context import FlowRunContext
from antiphon.futures import as_completed, wait
from antiphon.states import State
from antiphon.task_runners import TaskRunner
from stored import Stored


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


def test_values(runner: Any, stored: Stored) -> None:
    @task
    def double(x: Any) -> Any:
        return x * 2

    @flow(task_runner=runner())
    def around() -> Any:
        futures = [double.submit(x) for x in (1, 2.5, "a", [1], (1, 2), b"x")]
        return [future.result() for future in futures]

    assert around() == [2, 5.0, "aa", [1, 1], (1, 2, 1, 2), b"xx"]


def test_chains_and_maps(runner: Any, stored: Stored) -> None:
    @task
    def add(x: int, y: int) -> int:
        return x + y

    @flow(task_runner=runner())
    def around() -> Any:
        first = add.map([1, 2, 3], unmapped(10))
        second = add.map(first, [1, 1, 1])
        return add.submit(second[0], second[2]).result(), second.result()

    assert around() == (12 + 14, [12, 13, 14])


def test_exceptions(runner: Any, stored: Stored) -> None:
    @task
    def fail() -> None:
        raise ZeroDivisionError("by hand")

    @flow(task_runner=runner())
    def around() -> Any:
        future = fail.submit()
        with pytest.raises(ZeroDivisionError, match="by hand"):
            future.result()
        return future.state

    state = around(return_state=True)
    assert (state.name, state.message) == ("Failed", "1/1 states failed.")
    (run,) = stored.task_runs(flow_run_id(state))
    assert "ZeroDivisionError: by hand" in run.state.message


def test_retries(runner: Any, stored: Stored, tmp_path: Path) -> None:
    @task(retries=2, retry_delay_seconds=0.01)
    def flaky() -> Any:
        with open(tmp_path / "tries", "a") as file:
            file.write("x")
        if runtime.task_run.run_count < 3:
            raise ValueError("not yet")
        return runtime.task_run.run_count

    @flow(task_runner=runner())
    def around() -> Any:
        return flaky.submit()

    state = around(return_state=True)
    assert state.result() == 3
    assert (tmp_path / "tries").read_text() == "xxx"
    (run,) = stored.task_runs(flow_run_id(state))
    assert stored.task_run_history(run.id) == [
        *("Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed")
    ]


def test_timeouts(runner: Any, stored: Stored) -> None:
    @task(timeout_seconds=0.2)
    def sync() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pass

    @task(timeout_seconds=0.2)
    async def not_sync() -> None:
        await asyncio.sleep(30)

    @flow(task_runner=runner())
    def around() -> Any:
        futures = sync.submit(), not_sync.submit()
        wait(futures)
        return [future.state.name for future in futures]

    assert around() == ["TimedOut", "TimedOut"]


def test_async_flow_and_tasks(runner: Any, stored: Stored) -> None:
    @task
    async def inc(x: int) -> int:
        await asyncio.sleep(0.01)
        return x + 1

    @flow(task_runner=runner())
    async def around() -> Any:
        futures = inc.map([1, 2])
        return await asyncio.to_thread(futures.result)

    assert asyncio.run(around()) == [2, 3]


def test_wait_for(runner: Any, stored: Stored, tmp_path: Path) -> None:
    @task
    def first() -> None:
        time.sleep(0.2)
        (tmp_path / "first").touch()

    @task
    def second() -> bool:
        return (tmp_path / "first").exists()

    @flow(task_runner=runner())
    def around() -> Any:
        return second.submit(wait_for=[first.submit()])

    assert around() is True


def test_upstream_failure(runner: Any, stored: Stored) -> None:
    @task
    def fail() -> None:
        raise ValueError("bad")

    @task
    def take(x: Any) -> str:
        return repr(x)

    @flow(task_runner=runner())
    def around() -> Any:
        failed = fail.submit()
        left = take.submit(failed), take.submit(1, wait_for=[failed])
        taken = take.submit(allow_failure(failed))
        kept = take.submit(quote([1]))
        wait((*left, taken, kept))
        return [future.state.name for future in left], taken.result(), kept.result()

    assert around() == (["NotReady", "NotReady"], "ValueError('bad')", "[1]")


def test_states_and_done_callbacks(runner: Any, stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    @flow(task_runner=runner())
    def around() -> Any:
        ended: list[Any] = []
        told = threading.Event()
        future = one.submit()
        future.add_done_callback(lambda it: (ended.append(it), told.set()))
        state = one.submit(return_state=True)
        states = task(lambda x: x).map([1], return_state=True)
        assert told.wait(30)
        assert ended == [future]
        assert [each.state.is_completed() for each in as_completed([future])] == [True]
        return state.name, states[0].result()

    assert around() == ("Completed", 1)


def test_results_that_are_not_kept_travel(runner: Any, stored: Stored) -> None:
    @task(persist_result=False)
    def make() -> Any:
        return {1: [2]}

    @task
    def take(x: Any) -> Any:
        return x[1]

    @flow(task_runner=runner())
    def around() -> Any:
        made = make.submit()
        return made.result(), take.submit(made).result()

    assert around() == ({1: [2]}, [2])


def test_nested_tasks(runner: Any, stored: Stored) -> None:
    @task
    def leaf(x: int) -> int:
        return x + 1

    @task
    def outer(x: int) -> Any:
        leaf.submit(0)
        return leaf(x), leaf.submit(leaf.submit(x)).result(), leaf.map([x, x]).result()

    @flow(task_runner=runner())
    def around() -> Any:
        return outer.submit(1).result()

    state = around(return_state=True)
    assert state.result() == (2, 3, [2, 2])
    runs = stored.task_runs(flow_run_id(state))
    assert [run.state.name for run in runs] == ["Completed"] * 7
    assert len({run.name for run in runs}) == 7


def test_a_subflow_in_a_task(runner: Any, stored: Stored) -> None:
    @task
    def leaf(x: int) -> int:
        return x + 1

    @flow
    def child(x: int) -> Any:
        return leaf.submit(x), runtime.flow_run.parent_flow_run_id

    @task
    def outer() -> Any:
        return child(1)

    @flow(task_runner=runner())
    def around() -> Any:
        return outer.submit().result()

    state = around(return_state=True)
    inner, parent = state.result()
    assert (inner.result(), parent) == (2, flow_run_id(state))
    names = [run.state.name for run in stored.task_runs(flow_run_id(state))]
    assert names == ["Completed", "Completed"]


def test_facts_tags_and_logs(runner: Any, stored: Stored) -> None:
    @task(tags=["own"], log_prints=True)
    def look(x: int) -> Any:
        print("printed")
        get_run_logger().warning("logged")
        run, own = runtime.flow_run, runtime.task_run
        return run.id, run.name, run.flow_name, run.parameters, own.id, own.name, own.parameters, sorted(own.tags)

    @flow(task_runner=runner(), flow_run_name="mine")
    def around(a: int, b: Any) -> Any:
        with tags("inside"):
            future = look.submit(3)
        return future.task_run_id, future.result()

    state = around(1, 2, return_state=True)
    id, facts = state.result()
    run_id = flow_run_id(state)
    assert facts == (run_id, "mine", "around", {"a": 1, "b": 2}, id, "look-0", {"x": 3}, ["inside", "own"])
    lines = [line for line in stored.logs(run_id) if line.task_run_id == id]
    assert [line.message for line in lines] == ["printed", "logged"]


def test_the_flow_ends_after_its_tasks(runner: Any, stored: Stored) -> None:
    @task
    def slow(x: int) -> int:
        time.sleep(0.05)
        return x

    @flow(task_runner=runner())
    def around() -> str:
        slow.map(range(6))
        return "nobody asked"

    state = around(return_state=True)
    flow_end = stored.flow_run(flow_run_id(state)).end_time.ToDatetime()
    runs = stored.task_runs(flow_run_id(state))
    assert [run.state.name for run in runs] == ["Completed"] * 6
    assert max(run.end_time.ToDatetime() for run in runs) <= flow_end


def test_many(runner: Any, stored: Stored) -> None:
    @task
    def square(x: int) -> int:
        return x * x

    @flow(task_runner=runner())
    def around() -> Any:
        return square.map(range(200)).result()

    assert around() == [x * x for x in range(200)]


def test_large_arguments_and_results(runner: Any, stored: Stored) -> None:
    @task
    def turn(x: bytes) -> bytes:
        return x[::-1]

    large = bytes(range(256)) * (20 * 4096)

    @flow(task_runner=runner())
    def around() -> bool:
        return turn.submit(turn.submit(large)).result() == large

    assert around() is True


def cancels_when(path: Path, stored: Stored, state_of: list[str]) -> threading.Thread:
    """Cancels the flow run once a task has made the file."""

    def run() -> None:
        end = time.monotonic() + 60
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.01)
        stored.cancel(state_of[0], "enough")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("is_async", [False, True])
def test_cancelling_the_flow_run_stops_its_tasks(runner: Any, stored: Stored, tmp_path: Path, is_async: bool) -> None:
    def busy() -> None:
        (tmp_path / "began").touch()
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end:
                pass
        finally:
            (tmp_path / "cleaned").touch()

    async def sleepy() -> None:
        (tmp_path / "began").touch()
        try:
            await asyncio.sleep(60)
        finally:
            (tmp_path / "cleaned").touch()

    ids: list[str] = []

    @task
    def follows(x: Any) -> None:
        raise AssertionError("ran")

    @flow(task_runner=runner())
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        future = task(sleepy if is_async else busy).submit()
        follows.submit(future)
        future.result()

    canceller = cancels_when(tmp_path / "began", stored, ids)
    begin = time.monotonic()
    state = around(return_state=True)
    canceller.join(60)
    assert time.monotonic() - begin < 40
    assert (state.name, state.message) == ("Cancelled", "enough")
    assert [run.state.name for run in stored.task_runs(ids[0])] == ["Cancelled", "Cancelled"]
    assert (tmp_path / "cleaned").exists()


def test_cancel_all(runner: Any, stored: Stored, tmp_path: Path) -> None:
    @task
    def busy() -> None:
        (tmp_path / "began").touch()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass

    @flow(task_runner=runner())
    def around() -> Any:
        futures = [busy.submit() for _ in range(4)]
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        context = FlowRunContext.get()
        assert context is not None
        context.task_runner.cancel_all()
        wait(futures)
        return [future.state.name for future in futures]

    assert around() == ["Cancelled"] * 4


def test_dependencies_are_shown(runner: Any, stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    @flow(task_runner=runner())
    def around() -> Any:
        context = FlowRunContext.get()
        assert context is not None
        first = one.submit()
        first.wait()
        second = context.task_runner.submit(one, {}, dependencies={"x": [first]})
        with pytest.raises(TypeError, match=r"dependencies\['x'\] holds 5"):
            context.task_runner.submit(one, {}, dependencies={"x": [5]})
        return first.task_run_id, second.task_run_id, second.result()

    first, second, result = around()
    assert result == 1
    assert list(stored.task_run(second).upstream_task_run_ids) == [first]


def test_a_runner_by_itself(runner: Any, stored: Stored) -> None:
    @task
    def double(x: int) -> int:
        return x * 2

    with runner() as own:
        futures = own.map(double, {"x": [1, 2]})
    assert futures.result() == [2, 4]
    with pytest.raises(RuntimeError, match="The task runner is not started"):
        own.submit(double, {"x": 1})


def test_a_duplicate_has_the_same_options(runner: Any) -> None:
    made: TaskRunner = runner()
    duplicate = made.duplicate()
    assert duplicate == made
    assert duplicate is not made
    assert type(duplicate) is type(made)


def test_a_retried_flow_takes_over_what_completed(runner: Any, stored: Stored, tmp_path: Path) -> None:
    @task
    def note(x: int) -> int:
        with open(tmp_path / "ran", "a") as file:
            file.write(str(x))
        return x

    @flow(task_runner=runner(), retries=1)
    def around() -> Any:
        results = note.submit(1).result(), note.submit(note.submit(2)).result()
        if runtime.flow_run.run_count == 1:
            raise ValueError("once more")
        return results

    assert around() == (1, 2)
    assert (tmp_path / "ran").read_text() == "122"

"""A flow run that somebody cancels stops at once, with all that is in it."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from antiphon import flow, runtime, task
from antiphon.exceptions import CancelledRun, RunCancelled, ServerError
from antiphon.states import State
from kinds import Kind
from stored import Stored

#: Seconds between the request and the user code's hearing of it, at most. It is about 10 ms on an idle machine.
LATENCY = 1.0


class Canceller:
    """Cancels the flow run that says it is ready, from a thread of its own."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._ready = threading.Event()
        self._run_id = ""
        self.asked_at = 0.0
        self.heard_at = 0.0
        self._thread = threading.Thread(target=self._cancel)
        self._thread.start()

    def ready(self) -> None:
        """User code says that it may be interrupted now."""
        self._run_id = runtime.flow_run.root_flow_run_id or ""
        self._ready.set()

    def heard(self) -> None:
        """User code was interrupted."""
        self.heard_at = self.heard_at or time.monotonic()

    def _cancel(self) -> None:
        if self._ready.wait(30):
            self.asked_at = time.monotonic()
            self._stored.cancel(self._run_id, "enough")

    def join(self) -> None:
        self._thread.join(30)

    @property
    def latency(self) -> float:
        return self.heard_at - self.asked_at


@pytest.fixture
def canceller(stored: Stored) -> Iterator[Canceller]:
    made = Canceller(stored)
    yield made
    made._ready.set()
    made.join()


def in_thread(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(60)
    return results[0]


def busy() -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


def assert_cancelled(stored: Stored, state: State) -> None:
    assert state.is_cancelled()
    assert state.message == "enough"
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Running", "Cancelling", "Cancelled"]
    with pytest.raises(CancelledRun, match="enough"):
        state.result()


@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_sync_flow(stored: Stored, canceller: Canceller, where: str) -> None:
    """On the main thread even a system call is broken off, elsewhere Python code."""

    @flow
    def around() -> None:
        canceller.ready()
        try:
            if where == "main":
                time.sleep(30)
            else:
                busy()
        except BaseException as error:
            assert isinstance(error, RunCancelled)
            canceller.heard()
            raise

    state = around(return_state=True) if where == "main" else in_thread(lambda: around(return_state=True))
    assert_cancelled(stored, state)
    assert canceller.latency < LATENCY


def test_an_async_flow(stored: Stored, canceller: Canceller) -> None:
    after: list[int] = []

    @flow
    async def around() -> None:
        canceller.ready()
        try:
            await asyncio.sleep(30)
        except BaseException as error:
            assert isinstance(error, asyncio.CancelledError)
            canceller.heard()
            raise

    async def main() -> State:
        state: State = await around(return_state=True)
        current = asyncio.current_task()
        assert current is not None
        after.append(current.cancelling())
        await asyncio.sleep(0.01)
        return state

    state = asyncio.run(main())
    assert_cancelled(stored, state)
    assert canceller.latency < LATENCY
    assert after == [0]


def test_a_call_that_was_cancelled_raises(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    @kind.flow()
    def around() -> Any:
        canceller.ready()
        yield kind.pause(30)

    with pytest.raises(CancelledRun, match="enough"):
        kind.call(around)


def test_hooks_run_and_are_not_interrupted(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    told: list[str] = []

    @kind.function
    def hook(flow: Any, run: Any, state: State) -> Any:
        yield kind.pause(0.05)
        told.append(f"{flow.name} {state.name}")

    @kind.flow(on_cancellation=[hook])
    def child() -> Any:
        canceller.ready()
        yield kind.pause(30)

    @kind.flow(on_cancellation=[hook], on_completion=[hook], on_failure=[hook], on_crashed=[hook])
    def around() -> Any:
        yield child()

    state = kind.call(around, return_state=True)
    assert_cancelled(stored, state)
    assert told == ["child Cancelled", "around Cancelled"]


def test_all_that_is_in_it_stops(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    started = threading.Barrier(4, timeout=30)

    @task
    def computes() -> None:
        started.wait()
        busy()

    @task
    async def sleeps() -> None:
        await asyncio.to_thread(started.wait)
        await asyncio.sleep(30)

    @task
    def follows(x: Any) -> None:
        pytest.fail("ran")

    @kind.flow()
    def child() -> Any:
        sleeps.submit()
        started.wait()
        canceller.ready()
        yield kind.pause(30)

    @kind.flow()
    def around() -> Any:
        follows.submit(computes.submit())
        sleeps.submit()
        yield child()

    begin = time.monotonic()
    state = kind.call(around, return_state=True)
    assert time.monotonic() - begin < 20
    assert_cancelled(stored, state)
    runs = stored.task_runs(flow_run_id(state))
    assert [run.state.name for run in runs] == ["Cancelled"] * 4
    child_id = next(run.state.details.child_flow_run_id for run in runs if run.state.details.child_flow_run_id)
    assert stored.flow_run(child_id).state.name == "Cancelled"
    assert [run.state.name for run in stored.task_runs(child_id)] == ["Cancelled"]


def test_in_a_task(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    went_on: list[int] = []

    @kind.task(retries=5)
    def step() -> Any:
        canceller.ready()
        yield kind.pause(30)

    @kind.flow(retries=5)
    def around() -> Any:
        yield step(return_state=True)
        went_on.append(1)

    state = kind.call(around, return_state=True)
    assert_cancelled(stored, state)
    assert went_on == []
    assert [run.state.name for run in stored.task_runs(flow_run_id(state))] == ["Cancelled"]


@pytest.mark.parametrize("where", ["main", "thread"])
def test_while_it_waits_for_a_future(stored: Stored, canceller: Canceller, where: str) -> None:
    @task
    async def endless() -> None:
        canceller.ready()
        await asyncio.sleep(30)

    @flow
    def around() -> None:
        try:
            endless.submit().result()
        except BaseException:
            canceller.heard()
            raise

    state = around(return_state=True) if where == "main" else in_thread(lambda: around(return_state=True))
    assert_cancelled(stored, state)
    assert canceller.latency < LATENCY


def test_while_it_waits_for_what_it_submitted(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    @task
    async def endless() -> None:
        canceller.ready()
        await asyncio.sleep(30)

    @kind.flow()
    def around() -> str:
        endless.submit()
        return "I am done"

    state = kind.call(around, return_state=True)
    assert_cancelled(stored, state)
    assert [run.state.name for run in stored.task_runs(flow_run_id(state))] == ["Cancelled"]


def test_while_a_task_awaits_its_retry(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    @kind.task(retries=3, retry_delay_seconds=60)
    def flaky() -> None:
        canceller.ready()
        raise ValueError("bad")

    @kind.flow()
    def around() -> Any:
        yield flaky()

    begin = time.monotonic()
    state = kind.call(around, return_state=True)
    assert time.monotonic() - begin < 20
    assert_cancelled(stored, state)
    run = stored.task_runs(flow_run_id(state))[0]
    history = stored.task_run_history(run.id)
    assert history[:2] == ["Pending", "Running"]
    assert history[-1] == "Cancelled"


def test_while_it_awaits_its_own_retry(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    @kind.flow(retries=3, retry_delay_seconds=60)
    def around() -> None:
        canceller.ready()
        raise ValueError("bad")

    begin = time.monotonic()
    state = kind.call(around, return_state=True)
    assert time.monotonic() - begin < 20
    assert state.is_cancelled()
    history = stored.flow_run_history(flow_run_id(state))
    assert history[-2:] == ["Cancelling", "Cancelled"]


def test_a_run_that_is_deleted_while_it_awaits_its_retry_hears_why(
    kind: Kind, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    ids: queue.SimpleQueue[str] = queue.SimpleQueue()

    @kind.flow(retries=3, retry_delay_seconds=60)
    def around() -> None:
        ids.put(runtime.flow_run.id or "")
        raise ValueError("bad")

    def delete() -> None:
        id = ids.get(timeout=30)
        while stored.flow_run(id).state.name != "AwaitingRetry":
            pass
        stored.delete(id)

    with ThreadPoolExecutor(1) as pool:
        deleted = pool.submit(delete)
        state = kind.call(around, return_state=True)
        deleted.result(30)
    assert (state.name, state.message) == ("Crashed", "the flow run was deleted")
    assert "which nobody waited for" not in caplog.text


def test_code_that_swallows_the_interrupt(kind: Kind, stored: Stored, canceller: Canceller) -> None:
    @kind.flow()
    def around() -> Any:
        canceller.ready()
        try:
            yield kind.pause(30)
        except BaseException:  # noqa: BLE001 - as careless code does
            return "no matter"

    state = kind.call(around, return_state=True)
    assert_cancelled(stored, state)


def test_code_that_swallows_the_interrupt_cannot_go_on_with_tasks(
    kind: Kind, stored: Stored, canceller: Canceller
) -> None:
    ran: list[str] = []

    @kind.task()
    def step() -> None:
        ran.append("step")

    @kind.flow()
    def child() -> None:
        ran.append("child")

    @kind.flow()
    def around() -> Any:
        canceller.ready()
        try:
            yield kind.pause(30)
        except BaseException:  # noqa: BLE001 - as careless code does
            ran.append("swallowed")
        try:
            yield step()
        except RunCancelled:
            ran.append("raised again")
        yield child()
        ran.append("went on")

    state = kind.call(around, return_state=True)
    assert_cancelled(stored, state)
    assert "step" not in ran
    assert "went on" not in ran
    assert ran[:2] == ["swallowed", "raised again"]


def test_an_exception_handler_of_user_code_lets_the_interrupt_pass(stored: Stored, canceller: Canceller) -> None:
    @flow
    def around() -> str:
        canceller.ready()
        try:
            time.sleep(30)
        except Exception:  # noqa: BLE001 - as careless code does
            return "caught"
        finally:
            canceller.heard()
        return "slept"

    assert_cancelled(stored, around(return_state=True))


def test_gathered_subflows_clean_up(stored: Stored, canceller: Canceller) -> None:
    """They stop together with the flow around, whose cancelling cancels them too: each is told once."""
    told: list[str] = []
    inside = 0

    async def hook(flow: Any, run: Any, state: State) -> None:
        await asyncio.sleep(0.05)
        told.append(run.parameters["name"])

    @flow(on_cancellation=[hook])
    async def child(name: str) -> None:
        nonlocal inside
        inside += 1
        if inside == 3:
            canceller.ready()
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.02)
            told.append(f"cleaned {name}")

    @flow
    async def around() -> None:
        await asyncio.gather(*(child(name) for name in "abc"))

    state = asyncio.run(around(return_state=True))
    assert_cancelled(stored, state)
    assert sorted(told) == ["a", "b", "c", "cleaned a", "cleaned b", "cleaned c"]
    assert [run.state.name for run in stored.task_runs(flow_run_id(state))] == ["Cancelled"] * 3


def test_one_of_many_flows(stored: Stored, canceller: Canceller) -> None:
    others = threading.Barrier(4, timeout=30)

    @flow
    def other() -> str:
        others.wait()
        others.wait()
        return "not cancelled"

    @flow
    def around() -> None:
        canceller.ready()
        time.sleep(30)

    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(other())) for _ in range(3)]
    for thread in threads:
        thread.start()
    others.wait()
    assert_cancelled(stored, around(return_state=True))
    others.wait()
    for thread in threads:
        thread.join(30)
    assert results == ["not cancelled"] * 3


def test_a_run_that_has_ended_cannot_be_cancelled(stored: Stored) -> None:
    state = flow(lambda: 1)(return_state=True)
    with pytest.raises(ServerError, match="has ended already"):
        stored.cancel(flow_run_id(state))


def test_at_any_moment(stored: Stored) -> None:
    """At whatever step it comes, the run ends CANCELLED, or had ended before."""
    step = task(lambda: sum(range(2000)))

    @flow
    def around() -> str:
        for _ in range(30):
            step()
        return "completed"

    @flow(validate_parameters=False)
    def outer(asked: threading.Event, run_ids: list[str]) -> str:
        run_ids.append(runtime.flow_run.id or "")
        asked.set()
        return around()

    ends: set[str] = set()
    for attempt in range(30):
        asked, run_ids = threading.Event(), list[str]()
        thread = threading.Thread(target=cancel_after, args=(stored, asked, run_ids, attempt / 300))
        thread.start()
        state = outer(asked, run_ids, return_state=True)
        thread.join(30)
        kept = stored.flow_run(run_ids[0])
        assert kept.state.name == state.name
        assert state.name in ("Cancelled", "Completed")
        for run in stored.task_runs(run_ids[0]):
            assert run.state.name in ("Cancelled", "Completed")
            child = run.state.details.child_flow_run_id
            assert {each.state.name for each in stored.task_runs(child)} <= {"Cancelled", "Completed"}
        ends.add(state.name)
    assert "Cancelled" in ends


def cancel_after(stored: Stored, asked: threading.Event, run_ids: list[str], seconds: float) -> None:
    asked.wait(30)
    threading.Event().wait(seconds)
    try:
        stored.cancel(run_ids[0], "enough")
    except ServerError as error:
        assert "has ended already" in str(error)

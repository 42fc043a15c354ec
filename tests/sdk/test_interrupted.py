"""What is no `Exception`: it ends the run that it comes in as CRASHED, and goes on to whoever called it."""

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import pytest

from antiphon import flow, runtime, task
from antiphon.exceptions import CrashedRun
from antiphon.states import State
from kinds import Kind
from stored import Stored


class Mine(BaseException):
    """Of user code."""


ERRORS = [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), Mine("mine")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_in_a_flow(kind: Kind, stored: Stored, error: BaseException) -> None:
    told: list[str] = []
    ids: list[str] = []

    @kind.flow(retries=3)
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        raise error

    around.on_crashed(lambda flow, run, state: told.append(state.name))
    around.on_failure(lambda *_: told.append("failure"))
    with pytest.raises(type(error)) as caught:
        kind.call(around)
    assert caught.value is error
    assert len(ids) == 1
    assert stored.flow_run_history(ids[0]) == ["Pending", "Running", "Crashed"]
    assert told == ([] if isinstance(error, GeneratorExit) else ["Crashed"])


@pytest.mark.parametrize("error", ERRORS[:2], ids=lambda error: type(error).__name__)
def test_in_a_task_of_a_subflow(kind: Kind, stored: Stored, error: BaseException) -> None:
    ids: list[str] = []

    @kind.task()
    def step() -> None:
        raise error

    @kind.flow()
    def child() -> Any:
        ids.append(runtime.flow_run.id or "")
        yield step()

    @kind.flow()
    def parent() -> Any:
        ids.append(runtime.flow_run.id or "")
        yield child()

    with pytest.raises(type(error)):
        kind.call(parent)
    assert [stored.flow_run(each).state.name for each in ids] == ["Crashed", "Crashed"]
    assert [run.state.name for each in ids for run in stored.task_runs(each)] == ["Crashed", "Crashed"]


def test_return_state_raises_all_the_same(stored: Stored) -> None:
    """The process is to end; a state would be lost on code that looks for failures."""

    @flow
    def around() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        around(return_state=True)


def test_control_c(stored: Stored) -> None:
    """A real SIGINT, while a task of the flow sleeps."""
    ids: list[str] = []

    @task
    def slow() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Event().wait(30)

    @flow
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        slow()

    with pytest.raises(KeyboardInterrupt):
        around()
    assert stored.flow_run_history(ids[0])[-1] == "Crashed"
    assert stored.task_runs(ids[0])[0].state.name == "Crashed"


def test_control_c_while_a_task_awaits_its_retry(stored: Stored) -> None:
    ids: list[str] = []

    @task(retries=1, retry_delay_seconds=60)
    def flaky() -> None:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        raise ValueError("bad")

    @flow
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        flaky()

    with pytest.raises(KeyboardInterrupt):
        around()
    assert stored.flow_run_history(ids[0])[-1] == "Crashed"
    run = stored.task_runs(ids[0])[0]
    assert stored.task_run_history(run.id) == ["Pending", "Running", "AwaitingRetry", "Crashed"]


def test_control_c_while_it_waits_for_what_it_submitted(stored: Stored) -> None:
    ids: list[str] = []

    @task
    async def endless() -> None:
        await asyncio.sleep(30)

    @flow
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        endless.submit()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        around()
    assert stored.flow_run_history(ids[0])[-1] == "Crashed"


def test_what_was_submitted_is_stopped(stored: Stored) -> None:
    ids: list[str] = []

    @task
    async def endless() -> None:
        await asyncio.sleep(30)

    @flow
    def around() -> None:
        ids.append(runtime.flow_run.id or "")
        endless.submit()
        sys.exit(3)

    with pytest.raises(SystemExit):
        around()
    assert stored.flow_run(ids[0]).state.message == "The run's code ended the interpreter: SystemExit(3)."
    assert stored.task_runs(ids[0])[0].state.name == "Cancelled"


def test_an_async_flow_whose_coroutine_is_cancelled(stored: Stored) -> None:
    """By asyncio, that is, not by way of the server."""
    ids: list[str] = []

    @flow
    async def around() -> None:
        ids.append(runtime.flow_run.id or "")
        await asyncio.sleep(30)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(around(), 0.1)
        running = asyncio.create_task(around())
        while len(ids) < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    for each in ids:
        run = stored.flow_run(each)
        assert (run.state.name, run.state.message) == ("Crashed", "The event loop cancelled the run's coroutine.")


def test_an_async_flow_that_is_cancelled_as_it_awaits_a_retry(stored: Stored) -> None:
    ids: list[str] = []

    @flow(retries=1, retry_delay_seconds=60)
    async def around() -> None:
        ids.append(runtime.flow_run.id or "")
        raise ValueError("bad")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(around(), 0.2)

    asyncio.run(main())
    assert stored.flow_run_history(ids[0]) == ["Pending", "Running", "AwaitingRetry", "Crashed"]


def test_a_run_that_crashed_elsewhere_does_not_interrupt_its_reader(stored: Stored) -> None:
    @task
    def leaves() -> None:
        raise KeyboardInterrupt

    @flow
    def around() -> State:
        return leaves.submit(return_state=True)

    with pytest.raises(CrashedRun):
        around()

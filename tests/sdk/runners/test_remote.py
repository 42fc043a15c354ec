"""What task runners whose tasks run in other processes do the same."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, runtime, task
from antiphon.exceptions import CrashedRun, SerializationError
from antiphon.futures import wait
from antiphon.session import registry
from antiphon.settings import get_current_settings, temporary_settings
from antiphon.states import State
from antiphon.v1.flow_run_service_pb2 import PauseFlowRunRequest, ResumeFlowRunRequest
from stored import Stored


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


def test_a_parameter_that_cannot_travel(remote: Any, stored: Stored) -> None:
    @task
    def take(x: Any, lock: Any) -> None: ...

    @task
    def make() -> int:
        return 1

    @flow(task_runner=remote())
    def around() -> Any:
        lock = threading.Lock()
        futures = take.submit(1, lock), take.submit(make.submit(), lock)
        wait(futures)
        return [future.state for future in futures]

    state = around(return_state=True)
    assert state.name == "Failed"
    messages = [run.state.message for run in stored.task_runs(flow_run_id(state)) if run.name.startswith("take")]
    assert len(messages) == 2
    for message in messages:
        assert (
            "The parameter 'lock' (lock) cannot be sent to another process: pickling it failed with TypeError"
            in message
        )
        assert "run the task in a ThreadPoolTaskRunner" in message


def test_a_task_that_cannot_travel(remote: Any, stored: Stored) -> None:
    lock = threading.Lock()

    @task
    def locked() -> Any:
        return lock

    @flow(task_runner=remote())
    def around() -> Any:
        locked.submit().result()

    with pytest.raises(SerializationError, match="The task 'locked' cannot be sent to another process"):
        around()


@pytest.mark.parametrize("persist", [None, False, True])
def test_a_result_that_cannot_travel(remote: Any, stored: Stored, persist: Any) -> None:
    @task(persist_result=persist)
    def make() -> Any:
        return threading.Lock()

    @flow(task_runner=remote())
    def around() -> Any:
        make.submit().result()

    state = around(return_state=True)
    (run,) = stored.task_runs(flow_run_id(state))
    assert run.state.name == "Failed"
    assert "The result cannot be sent back to the process that submitted the task" in run.state.message


def test_arguments_are_those_of_the_moment(remote: Any, stored: Stored) -> None:
    @task
    def take(x: Any) -> Any:
        return x

    @flow(task_runner=remote())
    def around() -> Any:
        growing: list[int] = []
        futures = []
        for number in range(3):
            growing.append(number)
            futures.append(take.submit(growing))
        return futures

    assert around() == [[0], [0, 1], [0, 1, 2]]


def test_one_session_a_process(remote: Any, stored: Stored) -> None:
    @task
    def look() -> Any:
        return os.getpid(), registry.get_session().session_id, len(registry._sessions)

    @flow(task_runner=remote())
    def around() -> Any:
        return [look.submit() for _ in range(12)]

    seen = set(around())
    assert 1 <= len({pid for pid, _, _ in seen}) <= 2
    assert len(seen) == len({pid for pid, _, _ in seen})
    assert os.getpid() not in {pid for pid, _, _ in seen}


def test_settings_travel(remote: Any, stored: Stored, tmp_path: Path) -> None:
    @task
    def look() -> Any:
        settings = get_current_settings()
        return settings.api.url, settings.home, settings.logging.level, settings.tasks.default_retries

    @flow(task_runner=remote())
    def around() -> Any:
        return look.submit()

    with temporary_settings({"logging_level": "ERROR", "tasks_default_retries": 7}):
        expected = get_current_settings()
        assert around() == (expected.api.url, expected.home, "ERROR", 7)


def test_a_worker_that_is_killed(remote: Any, stored: Stored, tmp_path: Path) -> None:
    """Its run is Crashed at once, and others go on."""

    @task
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @task
    def live(x: int) -> int:
        return x

    @flow(task_runner=remote())
    def around() -> Any:
        dead = die.submit()
        with pytest.raises(CrashedRun):
            dead.result()
        return dead.state.message, live.map([1, 2, 3]).result()

    begin = time.monotonic()
    state = around(return_state=True)
    message, results = state.result()
    assert time.monotonic() - begin < 25
    assert results == [1, 2, 3]
    run = next(run for run in stored.task_runs(flow_run_id(state)) if run.name == "die-0")
    assert (run.state.name, run.state.message) == ("Crashed", message)


def test_code_that_ends_the_interpreter(remote: Any, stored: Stored) -> None:
    @task
    def leave() -> None:
        raise SystemExit(3)

    @flow(task_runner=remote())
    def around() -> Any:
        future = leave.submit()
        future.wait()
        return future.state.name, future.state.message

    name, message = around()
    assert (name, message) == ("Crashed", "The run's code ended the interpreter: SystemExit(3).")


def test_a_flow_run_that_is_paused(remote: Any, stored: Stored, tmp_path: Path) -> None:
    """A task that is sent meanwhile begins when the pause is over, and so does what a task calls meanwhile."""
    paused = tmp_path / "paused"

    @task
    def inner() -> str:
        return "inner"

    @task
    def outer() -> str:
        (tmp_path / "began").touch()
        while not paused.exists():
            time.sleep(0.01)
        return inner()

    @task
    def late() -> str:
        return "late"

    ids: list[str] = []

    @flow(task_runner=remote())
    def around() -> Any:
        ids.append(runtime.flow_run.id or "")
        first = outer.submit()
        while not paused.exists():
            time.sleep(0.01)
        return first, late.submit()

    def pause() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        runs = stored.client.flow_runs
        stored.client.call(runs.PauseFlowRun, PauseFlowRunRequest(id=ids[0]))
        paused.touch()
        put_off = set[str]()
        end = time.monotonic() + 30
        while len(put_off) < 2 and time.monotonic() < end:
            put_off = {run.name[:4] for run in stored.task_runs(ids[0]) if run.state.name == "NotReady"}
        seen.append(put_off)
        stored.client.call(runs.ResumeFlowRun, ResumeFlowRunRequest(id=ids[0]))

    seen: list[Any] = []
    thread = threading.Thread(target=pause)
    thread.start()
    result = around()
    thread.join(60)
    assert result == ("inner", "late")
    assert seen == [{"inne", "late"}]

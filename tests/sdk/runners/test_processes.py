"""What is particular to the process pool."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.context import FlowRunContext
from antiphon.exceptions import CrashedRun
from antiphon.futures import wait
from antiphon.runners import elsewhere
from antiphon.settings import temporary_settings
from antiphon.task_runners import ConcurrentTaskRunner, ProcessPoolTaskRunner, ThreadPoolTaskRunner
from stored import Stored
from until import until

#: Seconds for a process to come to where a test wants it.
PATIENCE = 60.0


@pytest.mark.parametrize("workers", [0, -1, True, 1.5])
def test_a_number_of_workers_that_cannot_be(workers: Any) -> None:
    with pytest.raises(ValueError, match=f"max_workers is {workers}; give 1 or more, or None"):
        ProcessPoolTaskRunner(workers)


def test_an_initializer_that_cannot_be() -> None:
    with pytest.raises(TypeError, match="initializer is a function, not 5"):
        ProcessPoolTaskRunner(initializer=5)  # type: ignore[arg-type]


def test_names_and_equality() -> None:
    assert ConcurrentTaskRunner is ThreadPoolTaskRunner
    assert (ThreadPoolTaskRunner().name, ProcessPoolTaskRunner().name) == ("threadpool", "processpool")
    assert ProcessPoolTaskRunner(2) == ProcessPoolTaskRunner(2) != ProcessPoolTaskRunner(3)
    assert ThreadPoolTaskRunner(2) == ThreadPoolTaskRunner(2) != ThreadPoolTaskRunner(3)


@pytest.mark.parametrize("by_setting", [False, True])
def test_a_bound_on_the_processes(stored: Stored, by_setting: bool) -> None:
    @task
    def pid() -> int:
        return os.getpid()

    @flow(task_runner=ProcessPoolTaskRunner(None if by_setting else 1))
    def around() -> Any:
        return [pid.submit() for _ in range(6)]

    with temporary_settings({"tasks.runner.process_pool_max_workers": 1} if by_setting else {}):
        assert len(set(around())) == 1


def test_an_initializer(stored: Stored) -> None:
    def prepare(value: str) -> None:
        os.environ["PREPARED"] = value

    @task
    def look() -> str | None:
        return os.environ.get("PREPARED")

    @flow(task_runner=ProcessPoolTaskRunner(1, initializer=prepare, initargs=("yes",)))
    def around() -> Any:
        return look.submit()

    assert around() == "yes"


def test_an_initializer_that_raises(stored: Stored) -> None:
    def refuse() -> None:
        raise ValueError("no")

    @flow(task_runner=ProcessPoolTaskRunner(1, initializer=refuse))
    def around() -> Any:
        return task(lambda: 1).submit().result()

    with pytest.raises(CrashedRun, match="ended with exit code 1; it says why on its standard error"):
        around()


def cancel_all_once_there(began: Path) -> None:
    """Of the flow that calls it, when a process of its pool has made the file."""
    until(began.exists, PATIENCE)
    context = FlowRunContext.get()
    assert context is not None
    context.task_runner.cancel_all()


def test_an_initializer_that_hangs_does_not_hold_up_the_pool(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However much is sent to its process meanwhile, that is ended when its task is cancelled."""
    monkeypatch.setattr(elsewhere, "GRACE", 0.3)

    def hang() -> None:
        (tmp_path / "began").touch()
        time.sleep(60)

    @task
    def size(data: bytes) -> int:
        return len(data)

    @flow(task_runner=ProcessPoolTaskRunner(1, initializer=hang))
    def around() -> Any:
        future = size.submit(bytes(10_000_000))
        cancel_all_once_there(tmp_path / "began")
        future.wait(30)
        return future.state.name

    assert around() == "Cancelled"


@task
def one() -> int:
    return 1


def test_anything_may_stand_in_the_path(stored: Stored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path, b"bytes", None])

    @task
    def path() -> list[str]:
        return sys.path

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        future = path.submit()
        future.wait(30)
        return future.result()

    assert around()[-1] == str(tmp_path)


def test_a_process_that_cannot_be_started(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """It crashes its task alone; the pool goes on."""

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [*sys.argv, 3])
            futures = [one.submit() for _ in range(2)]
            wait(futures, timeout=30)
        return [future.state for future in futures], one.submit().result()

    states, number = around()
    assert [state.name for state in states] == ["Crashed"] * 2
    assert states[0].message.startswith("No process could be started: ")
    assert number == 1


def _by_fork(seconds: int) -> int:
    child = os.fork()
    if child == 0:
        time.sleep(seconds)
        os._exit(0)
    return child


def _by_shell(seconds: int) -> int:
    with subprocess.Popen(
        f"sleep {seconds} >/dev/null & echo $!", shell=True, stdout=subprocess.PIPE, close_fds=False
    ) as shell:
        assert shell.stdout is not None
        return int(shell.stdout.readline())


def _with_all_descriptors(seconds: int) -> int:
    """As what forks in C does, which no hook of Python's sees."""
    descriptors = [int(each) for each in os.listdir("/proc/self/fd")]
    return subprocess.Popen(["sleep", str(seconds)], pass_fds=[each for each in descriptors if _is_open(each)]).pid


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("leave_behind", [_by_fork, _by_shell, _with_all_descriptors])
def test_a_death_is_seen_though_a_process_is_left_behind(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, leave_behind: Callable[[int], int]
) -> None:
    if leave_behind is not _with_all_descriptors:
        # There are systems that cannot say it.
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system cannot say that a process has died")

    @task
    def die() -> None:
        (tmp_path / "left").write_text(str(leave_behind(60)))
        os.kill(os.getpid(), signal.SIGKILL)

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        future = die.submit()
        future.wait(30)
        try:
            return future.state.name
        finally:
            os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)

    assert around() == "Crashed"


def test_code_that_blocks_in_c_is_ended(stored: Stored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It cannot be interrupted, so its process is killed after a while; another one takes its place."""
    monkeypatch.setattr(elsewhere, "GRACE", 0.3)

    @task
    def block() -> int:
        (tmp_path / "began").touch()
        return sum(range(10**12))

    @task
    def one() -> int:
        return 1

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        blocked = block.submit()
        cancel_all_once_there(tmp_path / "began")
        begin = time.monotonic()
        wait([blocked])
        assert time.monotonic() - begin < 20
        return blocked.state.name, one.submit().result()

    state = around(return_state=True)
    assert state.result() == ("Cancelled", 1)
    names = [run.state.name for run in stored.task_runs(state.state_details.flow_run_id or "")]
    assert names == ["Cancelled", "Completed"]


def test_a_blocking_call_is_interrupted(stored: Stored, tmp_path: Path) -> None:
    """Tasks run in the main thread of their process, where a signal reaches them."""

    @task(timeout_seconds=0.3)
    def sleep() -> None:
        time.sleep(60)

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        future = sleep.submit()
        future.wait()
        return future.state.name

    begin = time.monotonic()
    assert around() == "TimedOut"
    assert time.monotonic() - begin < 20


def test_what_is_queued_is_taken_back(stored: Stored, tmp_path: Path) -> None:
    @task
    def block() -> None:
        (tmp_path / "began").touch()
        time.sleep(60)

    @flow(task_runner=ProcessPoolTaskRunner(1))
    def around() -> Any:
        futures = [block.submit() for _ in range(5)]
        cancel_all_once_there(tmp_path / "began")
        wait(futures)
        return [future.state.name for future in futures]

    state = around(return_state=True)
    assert state.result() == ["Cancelled"] * 5
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.name for run in runs] == ["Cancelled"] * 5
    assert sorted(stored.task_run_history(run.id) for run in runs)[0] == ["Pending", "Cancelled"]


#: A script without a guard, whose classes and functions stand in `__main__`.
SCRIPT = """
import sys, time
from dataclasses import dataclass
from antiphon import flow, task
from antiphon.task_runners import ProcessPoolTaskRunner

@dataclass
class Point:
    x: int

def helper(point):
    return Point(point.x + 1)

@task
def move(point):
    return helper(point)

@task
def hang(path):
    block(path)

def block(path):
    open(path, "w").close()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        pass

with_initializer = {"initializer": block, "initargs": sys.argv[1:2]} if sys.argv[2:] else {}

@flow(task_runner=ProcessPoolTaskRunner(2, **with_initializer))
def around():
    if len(sys.argv) > 1:
        hang.submit(sys.argv[1]).wait()
    moved = move.map([Point(1), Point(2)]).result()
    assert all(type(each) is Point for each in moved)
    return moved, (lambda: move.submit(moved[0]).result())()

print(around())
"""


def program(tmp_path: Path, target: str, *arguments: str) -> "subprocess.Popen[str]":
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "ANTIPHON_API_URL": target, "ANTIPHON_HOME": str(tmp_path)}
    pipe = subprocess.PIPE
    command = [sys.executable, str(script), *arguments]
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_a_script_without_a_guard(stored: Stored, tmp_path: Path) -> None:
    with program(tmp_path, stored.client.target) as process:
        output, errors = process.communicate(timeout=60)
    assert output.strip() == "([Point(x=2), Point(x=3)], Point(x=3))", errors
    assert process.returncode == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_submitting_process(stored: Stored, tmp_path: Path, how: signal.Signals) -> None:
    """Its workers see it and end their runs and themselves."""
    began = tmp_path / "began"
    with program(tmp_path, stored.client.target, str(began)) as process:
        until(lambda: began.exists() or process.poll() is not None, PATIENCE)
        assert process.poll() is None
        process.send_signal(how)
        process.communicate(timeout=60)  # all who hold the pipe have ended
    run = stored.flow_runs("around")[-1]
    (task_run,) = [each for each in stored.task_runs(run.id) if each.name == "hang-0"]
    assert task_run.state.name == "Crashed"


def test_the_end_of_the_submitting_process_while_an_initializer_runs(stored: Stored, tmp_path: Path) -> None:
    began = tmp_path / "began"
    with program(tmp_path, stored.client.target, str(began), "in the initializer") as process:
        until(lambda: began.exists() or process.poll() is not None, PATIENCE)
        assert process.poll() is None
        process.kill()
        process.communicate(timeout=60)  # all who hold the pipe have ended

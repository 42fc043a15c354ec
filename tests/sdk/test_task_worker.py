"""The task worker itself: what it refuses, what it says of itself, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.engine.taken_runs import TakenRun
from antiphon.exceptions import ServerUnreachable
from antiphon.ids import new_id
from antiphon.session.session import Session
from antiphon.settings import get_current_settings, temporary_settings
from antiphon.task_keys import task_key_of
from antiphon.task_worker import StopTaskWorker, TaskWorker, aserve, create_status_server, serve
from python_programs import programs
from serving import serving
from stored import Stored
from until import until

PATIENCE = 30.0


@task
def nothing() -> None:
    """Does nothing."""


@flow
def a_flow() -> None:
    """Is no task."""


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ((a_flow,), "Flows are served by"),
        ((lambda: None,), "Put @task above the function"),
        (([nothing],), r"Put a star before a list: `serve\(\*tasks\)`"),
        ((3,), "serves tasks, not int"),
    ],
)
def test_what_is_no_task_is_refused_with_a_hint(tasks: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        serve(*tasks)


def test_nothing_to_serve_is_an_error() -> None:
    with pytest.raises(ValueError, match="There is no task to serve"):
        serve()


def test_two_tasks_under_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="could not be told apart"):
        TaskWorker(nothing, nothing.with_options(name="other"))


@pytest.mark.parametrize("limit", [0, -1, True, 1.5])
def test_a_limit_that_cannot_be_is_refused(limit: Any) -> None:
    with pytest.raises(ValueError, match="give the number of runs at a time"):
        TaskWorker(nothing, limit=limit)


def test_without_a_server_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.task_worker.STARTUP_TIMEOUT", 0.2)
    with (
        temporary_settings({"api_url": f"unix:{tmp_path}/nobody", "home": tmp_path}),
        pytest.raises(ServerUnreachable, match="No server answers"),
    ):
        serve(nothing)


def test_it_ends_after_its_timeout(stored: Stored) -> None:
    started = time.monotonic()
    serve(nothing, timeout=0.1)
    assert time.monotonic() - started < PATIENCE


def test_in_async_code_serve_gives_a_coroutine(stored: Stored) -> None:
    async def both() -> None:
        await serve(nothing, timeout=0.05)
        await aserve(nothing, timeout=0.05)

    asyncio.run(both())


def test_its_block_is_left_in_peace_by_stop_task_worker(stored: Stored) -> None:
    async def live() -> None:
        async with TaskWorker(nothing):
            raise StopTaskWorker

    asyncio.run(live())


def test_one_that_does_not_run_cannot_be_stopped() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        TaskWorker(nothing).stop()


def test_no_more_run_at_a_time_than_its_limit(stored: Stored) -> None:
    now, most, lock = [0], [0], threading.Lock()

    @task
    def work() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    futures = [work.delay() for _ in range(12)]
    with serving(work, limit=3):
        for future in futures:
            future.result(timeout=PATIENCE)
    assert most == [3]


def test_two_workers_share_what_is_queued_and_run_nothing_twice(stored: Stored) -> None:
    runs: list[int] = []

    @task
    def work(number: int) -> None:
        runs.append(number)

    futures = work.map(range(200), deferred=True)
    with serving(work, limit=5) as one, serving(work, limit=5) as other:
        for future in futures:
            future.result(timeout=PATIENCE)
    assert sorted(runs) == list(range(200))
    assert sum((*one.finished_task_runs.values(), *other.finished_task_runs.values())) >= 200


def test_its_status_says_what_it_does(stored: Stored) -> None:
    running, go_on = threading.Event(), threading.Event()

    @task
    def work() -> None:
        running.set()
        go_on.wait(PATIENCE)

    with serving(work, limit=4) as worker:
        server = create_status_server(worker)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        future = work.delay()
        assert running.wait(PATIENCE)
        status = _read(server.server_port, "/status")
        assert (status["limit"], status["current"], status["available"]) == (4, 1, 3)
        assert status["tasks"] == [work.task_key] and list(status["in_flight"][work.task_key]) == [future.task_run_id]
        assert status["stopping"] is False and status["started_at"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            _read(server.server_port, "/other")
        go_on.set()
        future.wait(PATIENCE)
        server.shutdown()
        server.server_close()


def test_a_status_port_that_is_taken_is_named(stored: Stored) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1.*status_server_port"):
            serve(nothing, status_server_port=port)


SCRIPT = """
import time
from pathlib import Path
from antiphon import task

@task
def wait_for(path, then):
    Path(then).touch()
    while not Path(path).exists():
        time.sleep(0.01)
    return "done"

@task
def quick():
    return 1

if __name__ == "__main__":
    from antiphon.task_worker import serve
    serve(wait_for, quick)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that others import and a worker runs as a script."""
    (tmp_path / "jobs_of_test.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("jobs_of_test", None)
    import jobs_of_test  # type: ignore[import-not-found]  # noqa: PLC0415 - it was just written

    return jobs_of_test


def test_a_script_serves_what_others_import_and_lets_runs_end_when_it_is_told_to(
    stored: Stored, script: Any, tmp_path: Path
) -> None:
    with programs() as start:
        worker = start(script.__file__, **_environment(stored, tmp_path))
        future = script.wait_for.delay(str(tmp_path / "go"), str(tmp_path / "running"))
        until((tmp_path / "running").exists, PATIENCE)
        worker.send_signal(signal.SIGTERM)
        later = script.quick.delay()
        until(lambda: _ready_for(worker, "stops when its 1 runs have ended"), PATIENCE)
        (tmp_path / "go").touch()
        assert worker.wait(PATIENCE) == 0
        assert future.result(timeout=PATIENCE) == "done"
        assert later.state.is_scheduled(), "it took no more"


def test_told_twice_it_leaves_its_runs_to_others(stored: Stored, script: Any, tmp_path: Path) -> None:
    with programs() as start:
        worker = start(script.__file__, **_environment(stored, tmp_path))
        future = script.wait_for.delay(str(tmp_path / "go"), str(tmp_path / "running"))
        until((tmp_path / "running").exists, PATIENCE)
        worker.send_signal(signal.SIGINT)
        until(lambda: _ready_for(worker, "stops when"), PATIENCE)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(PATIENCE) == 0
    assert stored.task_run(future.task_run_id).session_id == ""
    (tmp_path / "go").touch()
    with serving(script.wait_for):
        assert future.result(timeout=PATIENCE) == "done"


def test_a_script_is_named_as_others_import_it(tmp_path: Path) -> None:
    package = tmp_path / "pack" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "jobs.py").write_text("from antiphon import task\n@task\ndef job(): pass\nprint(job.task_key)\n")
    said = [
        subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True).stdout.strip()
        for arguments in (["pack/inner/jobs.py"], ["-m", "pack.inner.jobs"], ["-c", "import pack.inner.jobs"])
    ]
    assert said == ["pack.inner.jobs.job"] * 3
    assert task_key_of(_read, "x") == f"{__name__}._read"


def _environment(stored: Stored, home: Path) -> dict[str, str]:

    return {"ANTIPHON_API_URL": str(get_current_settings().api.url), "ANTIPHON_HOME": str(home)}


_said: dict[int, str] = {}


def _ready_for(worker: "subprocess.Popen[str]", words: str) -> bool:
    assert worker.stderr is not None
    os.set_blocking(worker.stderr.fileno(), False)
    with suppress(BlockingIOError):
        # Not by the stream's own `read`, which fails where nothing is there to be decoded.
        _said[worker.pid] = _said.get(worker.pid, "") + os.read(worker.stderr.fileno(), 65536).decode()
    return words in _said.get(worker.pid, "")


def _read(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def test_a_future_of_a_served_task_can_be_made_of_its_id(stored: Stored) -> None:
    with serving(nothing):
        future = nothing.delay()
        assert AntiphonDistributedFuture(future.task_run_id).result(timeout=PATIENCE) is None


def test_one_run_can_be_executed_by_hand(stored: Stored) -> None:
    future = nothing.delay()

    async def execute() -> None:
        worker = TaskWorker(nothing)
        await worker.execute_task_run(stored.task_run(future.task_run_id))
        other = stored.task_run(future.task_run_id)
        other.task_key = "other"
        with pytest.raises(ValueError, match="not other"):
            await worker.execute_task_run(other)

    asyncio.run(execute())
    assert future.result(timeout=PATIENCE) is None


def test_a_run_that_is_offered_twice_is_here_once(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    removed = _removed_handlers(monkeypatch)
    running, go_on = threading.Event(), threading.Event()

    @task
    def work() -> None:
        running.set()
        go_on.wait(PATIENCE)

    future = work.delay()
    offered = stored.task_run(future.task_run_id)

    async def execute() -> None:
        worker = TaskWorker(work)
        first = asyncio.ensure_future(worker.execute_task_run(offered))
        try:
            assert await asyncio.to_thread(running.wait, PATIENCE)
            await worker.execute_task_run(offered)
            assert worker.current_tasks == 1 and removed == [], "the first one still hears commands"
        finally:
            go_on.set()
        await first
        assert worker.current_tasks == 0 and removed == [future.task_run_id]
        assert worker.finished_task_runs == {work.task_key: 1}

    asyncio.run(execute())


def test_a_run_that_is_tried_again_before_its_last_time_here_is_over(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = _removed_handlers(monkeypatch)
    first = stored.task_run(nothing.delay().task_run_id)
    second = type(first)()
    second.CopyFrom(first)
    second.state.id = new_id()

    async def execute() -> None:
        over = {first.state.id: asyncio.Event(), second.state.id: asyncio.Event()}

        async def live(taken: TakenRun, room: object, wait: object) -> None:
            await over[taken.offered.state.id].wait()

        monkeypatch.setattr(TakenRun, "live", live)
        worker = TaskWorker(nothing)
        one, other = (asyncio.ensure_future(worker.execute_task_run(each)) for each in (first, second))
        await asyncio.sleep(0)
        over[first.state.id].set()
        await one
        assert worker.current_tasks == 1 and removed == [], "the second one still hears commands"
        over[second.state.id].set()
        await other
        assert worker.current_tasks == 0 and removed == [first.id]

    asyncio.run(execute())


def _removed_handlers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs for which this process hears no more commands."""
    removed: list[str] = []
    remove = Session.remove_run_handler

    def note(session: Session, run_id: str) -> None:
        removed.append(run_id)
        remove(session, run_id)

    monkeypatch.setattr(Session, "remove_run_handler", note)
    return removed

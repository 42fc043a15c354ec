"""A server that a test has to itself."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from antiphon import flow, get_run_logger, task
from antiphon.embedded_server import accepts, read_pid, socket_path, wait_for_leaving
from antiphon.exceptions import AntiphonException, ObjectNotFound, ServerUnreachable
from antiphon.flow_runs import pause_flow_run
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings, temporary_settings
from antiphon.testing.utilities import Harness, antiphon_test_harness, get_most_recent_flow_run
from antiphon.v1.flow_run_service_pb2 import WatchFlowRunRequest


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with antiphon_test_harness() as harness:
        yield harness


@flow
def double(number: int) -> int:
    get_run_logger().info("doubling")
    return number * 2


def flaky(delays: list[float]) -> tuple[Callable[[], int], list[int]]:
    """A flow whose task fails once for each delay; and the attempts of it."""
    attempts: list[int] = []

    @task(retries=len(delays), retry_delay_seconds=delays)
    def try_it() -> int:
        attempts.append(1)
        if len(attempts) <= len(delays):
            raise ValueError("not yet")
        return len(attempts)

    @flow(name="flaky")
    def run() -> int:
        return try_it()

    return run, attempts


def test_flows_run_against_its_server_and_leave_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("ANTIPHON_API_URL", "before:1")
    before = get_current_settings()
    with antiphon_test_harness() as harness:
        assert double(2) == 4
        assert get_most_recent_flow_run().parameters == {"number": 2}
        assert get_current_settings().home == harness.home
        assert os.environ["ANTIPHON_API_URL"] == harness.api_url
    assert get_current_settings() is before
    assert os.environ["ANTIPHON_API_URL"] == "before:1"
    assert list(tmp_path.iterdir()) == []
    assert not accepts(socket_path(harness.home))


def test_results_and_logs_stay_in_its_home(harness: Harness, tmp_path: Path) -> None:
    with temporary_settings({"results.local_storage_path": tmp_path}), antiphon_test_harness() as inner:
        assert get_current_settings().results.local_storage_path == inner.home / "storage"
        assert double(2) == 4
        assert inner.api_url != harness.api_url
    assert list(tmp_path.iterdir()) == []
    assert get_current_settings().api.url == harness.api_url
    with ServiceClient() as client, pytest.raises(ObjectNotFound, match="no flow run of the flow 'never made' yet"):
        get_most_recent_flow_run(client, flow_name="never made")


def test_threads_and_processes_use_it_too(harness: Harness) -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(double(3)))
    thread.start()
    thread.join()
    program = "from antiphon import flow; flow(name='child')(lambda: 1)()"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)
    assert results == [6]
    assert get_most_recent_flow_run(flow_name="child").state.name == "Completed"


def test_runs_follow_the_settings_of_their_context(harness: Harness) -> None:
    other = {"api.url": harness.api_url, "home": harness.home}

    @flow(name="follows")
    async def follows() -> list[int]:
        return [await asyncio.to_thread(double, 1)]

    with antiphon_test_harness():
        with temporary_settings(other):
            assert asyncio.run(follows()) == [2]
            run = contextvars.copy_context().run(get_most_recent_flow_run, flow_name="follows")
            assert run.state.is_completed()
        with pytest.raises(ObjectNotFound, match="There is no flow run yet"):
            get_most_recent_flow_run()
    assert get_most_recent_flow_run(flow_name="follows").state.name == "Completed"


def test_async_tests_use_it_too(harness: Harness) -> None:
    @flow(name='of "async" code*')
    async def triple(number: int) -> int:
        return number * 3

    async def test() -> str:
        assert await triple(2) == 6
        run = await get_most_recent_flow_run(flow_name='of "async" code*')  # type: ignore[misc]
        return str(run.state.name)

    assert asyncio.run(test()) == "Completed"


def test_retry_delays_pass_when_the_test_says_so(harness: Harness) -> None:
    run, attempts = flaky([3600.0, 7200.0])
    before = harness.clock.now()
    thread = threading.Thread(target=run)
    thread.start()
    assert timedelta(hours=1) <= harness.clock.advance_to_next_wait() - before < timedelta(hours=1, minutes=5)
    harness.clock.advance_to_next_wait()
    thread.join(60)
    assert len(attempts) == 3
    assert get_most_recent_flow_run(flow_name="flaky").state.name == "Completed"
    assert harness.clock.now() - before >= timedelta(hours=3)


def test_waits_can_be_skipped(harness: Harness) -> None:
    before = harness.clock.now()
    run, attempts = flaky([86400.0])
    harness.clock.skip_waits()
    try:
        assert run() == 2
    finally:
        harness.clock.skip_waits(False)
    assert len(attempts) == 2
    assert harness.clock.now() - before >= timedelta(days=1)


def test_waits_can_be_skipped_from_the_beginning() -> None:
    run, _ = flaky([86400.0, 86400.0])
    with antiphon_test_harness(skip_waits=True):
        assert run() == 3


def test_a_pause_times_out_when_the_test_says_so(harness: Harness) -> None:
    failed: list[BaseException] = []
    paused = threading.Event()

    @flow(name="pausing")
    def wait_for_somebody() -> None:
        paused.set()
        pause_flow_run(timeout=3600)

    def run() -> None:
        try:
            wait_for_somebody()
        except AntiphonException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert paused.wait(60)
    request = WatchFlowRunRequest(id=str(get_most_recent_flow_run(flow_name="pausing").id))
    with ServiceClient() as client:
        steps = client.stream(client.flow_runs.WatchFlowRun, request)
        assert any(step.flow_run.state.name == "Paused" for step in steps)
    harness.clock.advance(timedelta(hours=1, seconds=1))
    thread.join(60)
    assert [type(error).__name__ for error in failed] == ["FlowPauseTimeout"]


@pytest.mark.parametrize("wrong", [-1, float("nan"), timedelta(days=4000)])
def test_the_clock_goes_forward_only(harness: Harness, wrong: float | timedelta) -> None:
    with pytest.raises(ValueError, match=r"The clock cannot be put forward: from 0 to 3\.1536e\+08 seconds"):
        harness.clock.advance(wrong)


def test_nobody_waits(harness: Harness) -> None:
    with pytest.raises(ValueError, match=r"no run has begun to wait for a time within 0\.01 s"):
        harness.clock.advance_to_next_wait(timeout=0.01)


def test_the_clock_ends_with_the_harness() -> None:
    with antiphon_test_harness() as harness:
        pass
    with pytest.raises(AntiphonException, match="server of this test has ended"):
        harness.clock.now()


def test_a_server_that_is_killed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with antiphon_test_harness() as harness:
        os.kill(read_pid(harness.home) or 0, signal.SIGKILL)
        wait_for_leaving(harness.home, 30)
        with pytest.raises(AntiphonException, match="server of this test has ended"):
            harness.clock.now()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = get_current_settings()
    with pytest.raises(ServerUnreachable, match=r"not ready within 0\.001 s"), antiphon_test_harness(0.001):
        pass
    assert list(tmp_path.iterdir()) == []
    assert get_current_settings() is before


def test_a_test_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), antiphon_test_harness():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_the_server_leaves_when_its_process_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal\nfrom antiphon.testing.utilities import antiphon_test_harness\n"
        "with antiphon_test_harness() as harness:\n"
        "    print(harness.home, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    wait_for_leaving(Path(ended.stdout.strip()), 30)

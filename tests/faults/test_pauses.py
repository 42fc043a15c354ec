"""Pauses when the stream is cut anywhere, and when the server is killed: the run stays paused, an answer that was taken
counts, and no attempt is counted."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, pause_flow_run, resume_flow_run, runtime, task
from antiphon.payloads import encode
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import ResumeFlowRunRequest
from faults.proxy import CuttingProxy
from on_pause import OnPause
from running_server import RunningServer
from server_process import ServerProcess
from stored import Stored

PAUSED_ONCE = ["Pending", "Running", "Paused", "Running", "Completed"]


@task
def add(a: int, b: int) -> int:
    return a + b


def run_through(hand: OnPause, act: Callable[[FlowRun], Any]) -> tuple[str, int]:
    """A flow that pauses, with a task that is submitted meanwhile; gives the run's id and 6."""

    @flow
    def pausing() -> Any:
        inside, late = copy_context(), []

        def in_pause(run: FlowRun) -> None:
            late.append(inside.run(add.submit, 1, 2))
            act(run)

        hand(runtime.flow_run.id or "", in_pause)
        answer = pause_flow_run(int)
        return runtime.flow_run.id, add(late[0], answer)

    id, total = pausing()
    return id, total


@contextmanager
def configured(target: str, home: Path) -> Iterator[None]:
    # Also for the threads that answer.
    with settings_of_process(with_changes(get_current_settings(), {"api.url": target, "home": home})):
        try:
            yield
        finally:
            registry.close_all()


def check(client: ServiceClient, id: str, total: int) -> None:
    stored = Stored(client)
    assert total == 6
    assert stored.flow_run_history(id) == PAUSED_ONCE
    assert stored.flow_run(id).run_count == 1
    for run in stored.task_runs(id):
        assert run.run_count == 1
        assert stored.task_run_history(run.id)[-2:] == ["Running", "Completed"]


@pytest.mark.timeout(900)  # 20 s alone; many times that where many others run.
def test_a_cut_at_every_frame_boundary_of_a_pause(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server, ServiceClient(server.target) as client:

        def through_proxy(on_frame: Callable[[int], bool]) -> CuttingProxy:
            proxy = CuttingProxy(tmp_path / "p", server.socket, on_frame=on_frame)
            with proxy, OnPause(client) as hand, configured(f"unix:{proxy.listen}", tmp_path):
                id, total = run_through(hand, lambda run: _resume(client, run.id))
                check(client, id, total)
            return proxy

        uncut = through_proxy(lambda n: False)
        assert uncut.frames > 30
        for boundary in range(1, uncut.frames + 1):
            proxy = through_proxy(lambda n, boundary=boundary: n == boundary)  # type: ignore[misc]
            # How many frames a run takes differs a little: the last boundaries may not be reached.
            assert proxy.cuts == 1 or boundary > uncut.frames * 0.7


def _resume(client: ServiceClient, id: str) -> None:
    """By a way that is not cut."""
    client.call(client.flow_runs.ResumeFlowRun, ResumeFlowRunRequest(id=id, input=encode(3)))


@pytest.mark.parametrize("when", ["before it is resumed", "once the answer was taken"])
def test_a_server_killed_in_a_pause(tmp_path: Path, when: str) -> None:
    servers = [ServerProcess(tmp_path).serving()]

    def kill() -> None:
        servers[-1].end(signal.SIGKILL)
        servers.append(ServerProcess(tmp_path).serving())

    def act(run: FlowRun) -> None:
        if when == "before it is resumed":
            kill()
            resume_flow_run(run.id, 3)
        else:
            resume_flow_run(run.id, 3)
            kill()

    try:
        with ServiceClient(servers[0].target) as client, configured(servers[0].target, tmp_path):
            with OnPause(client) as hand:
                id, total = run_through(hand, act)
            check(client, id, total)
    finally:
        for server in servers:
            server.close()

"""Cutting the control stream anywhere: nothing that was acknowledged is lost, and nothing happens twice."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.session.session import Session
from faults.proxy import CuttingProxy
from faults.task_lives import check, run_through
from running_server import RunningServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


def through_proxy(
    tmp_path: Path, server: RunningServer, tasks: int, **cuts: Callable[..., Any]
) -> tuple[str, Any, Any]:
    with CuttingProxy(tmp_path / "p", server.socket, **cuts) as proxy:
        session = Session(lambda: f"unix:{proxy.listen}", reconnect_timeout=60)
        try:
            flow_run_id, verdicts = run_through(session, tasks)
        finally:
            session.close(30)
        return flow_run_id, verdicts, proxy


def test_a_cut_at_every_frame_boundary_of_a_run(tmp_path: Path, server: RunningServer) -> None:
    tasks = 4
    flow_run_id, verdicts, uncut = through_proxy(tmp_path, server, tasks)
    check(server, flow_run_id, verdicts, tasks)
    assert uncut.frames > 20
    for boundary in range(1, uncut.frames + 1):
        flow_run_id, verdicts, proxy = through_proxy(
            tmp_path, server, tasks, on_frame=lambda n, boundary=boundary: n == boundary
        )
        check(server, flow_run_id, verdicts, tasks)
        # How many frames a run takes differs a little: the last boundaries may not be reached.
        assert proxy.cuts == 1 or boundary > uncut.frames - 15


@pytest.mark.timeout(300)
def test_a_thousand_cuts_at_random_points(tmp_path: Path, server: RunningServer) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    left = chance.randrange(200, 3000)

    def cut_somewhere(coming: int) -> int | None:
        nonlocal left
        if coming < left:
            left -= coming
            return None
        here, left = left, chance.randrange(200, 3000)
        return here

    cuts = runs = 0
    while cuts < 1000:
        tasks = 60
        flow_run_id, verdicts, proxy = through_proxy(tmp_path, server, tasks, on_bytes=cut_somewhere)
        check(server, flow_run_id, verdicts, tasks)
        cuts += proxy.cuts
        runs += 1
    print(f"{cuts} cuts in {runs} runs")

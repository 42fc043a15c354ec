"""Whole flows of users while the ways to the server fail one after the other: they do not notice."""

import asyncio
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon import flow, get_run_logger, task
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.shared_client import close_clients
from antiphon.variables import Variable
from running_server import RunningServer
from stored import Stored
from tcp_proxy import TcpProxy

TASKS = 40


class Trouble:
    """Lets one of two ways fail after the other, in every way that there is, while the other one is well."""

    def __init__(self, ways: tuple[TcpProxy, TcpProxy], seed: int) -> None:
        self._ways = ways
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failures = 0

    def __enter__(self) -> "Trouble":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        bad, good = self._ways
        while True:
            self.failures += 1
            kind = self._chance.choice(["cut", "refuse", "black hole", "delay"])
            if kind == "cut":
                bad.cut()
            elif kind == "refuse":
                bad.refuse()
                bad.cut()
            elif kind == "black hole":
                bad.black_hole()
            else:
                bad.delay(0.1)
            over = self._over.wait(self._chance.uniform(0.05, 2.5))
            bad.heal()
            if over:
                return
            bad, good = good, bad


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[tuple[RunningServer, tuple[TcpProxy, TcpProxy]]]:
    with RunningServer(tmp_path) as server, TcpProxy(server.target) as one, TcpProxy(server.target) as other:
        target = f"{one.address},{other.address}"
        with settings_of_process(with_changes(get_current_settings(), {"api.url": target, "home": tmp_path})):
            try:
                yield server, (one, other)
            finally:
                registry.close_all()
                close_clients()


@task
def double(number: int) -> int:
    get_run_logger().info("doubling %d", number)
    return 2 * number


@task
async def adouble(number: int) -> int:
    get_run_logger().info("doubling %d", number)
    return 2 * number


@flow
def work() -> int:
    total = 0
    for number in range(TASKS):
        total += double(number)
        if number % 8 == 0:
            Variable.set("so_far", total, overwrite=True)
    return total


@flow
async def awork() -> int:
    total = 0
    for number in range(0, TASKS, 4):
        total += sum(await asyncio.gather(*(adouble(number + each) for each in range(4))))
        if number % 8 == 0:
            await Variable.aset("so_far", total, overwrite=True)
    return total


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_flow_goes_through(ways: tuple[RunningServer, tuple[TcpProxy, TcpProxy]], kind: str) -> None:
    server, both = ways
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with Trouble(both, seed) as trouble:
        runs = 0
        while trouble.failures < 12:
            total = work() if kind == "sync" else asyncio.run(awork())
            assert total == TASKS * (TASKS - 1)
            runs += 1
    print(f"{runs} runs, {trouble.failures} failures")
    with ServiceClient(server.target) as client:
        check(Stored(client), work.name if kind == "sync" else awork.name, runs)


def check(stored: Stored, flow_name: str, runs: int) -> None:
    """Each run is there once, completed at its first attempt, with all that it logged."""
    found = stored.flow_runs(flow_name)
    assert len(found) == runs
    for run in found:
        assert stored.flow_run_history(run.id) == ["Pending", "Running", "Completed"] and run.run_count == 1
        tasks = stored.task_runs(run.id)
        assert len(tasks) == TASKS
        assert all(each.run_count == 1 and each.state.name == "Completed" for each in tasks)
        lines = [line.message for line in stored.logs(run.id) if line.message.startswith("doubling")]
        assert sorted(lines) == sorted(f"doubling {number}" for number in range(TASKS))

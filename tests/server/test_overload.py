"""A server of its own that is offered twice what it can do, by calls that wait for no answer."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.children import run_job
from server_process import ServerProcess

SECONDS = 3
OFFERING = 2
#: Seconds that hold on a machine that is busy with other tests. Without admission a call waits for as long as overload
#: has lasted, and this lasts for longer.
BOUND = 5.0


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    process = ServerProcess(tmp_path)
    yield process.serving().target
    process.close()


def offer(target: str, folder: Path, rate: float, seconds: float = SECONDS) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.jobs.offer", target, str(rate), str(seconds)]
    return run_job(command, {}, folder)


def test_at_twice_its_capacity_a_server_answers_what_it_takes_in_and_loses_nothing(target: str, tmp_path: Path) -> None:
    capacity = offer(target, tmp_path, 0)["admitted"]
    with ThreadPoolExecutor(OFFERING) as pool:
        parts = list(pool.map(lambda _: offer(target, tmp_path, 2 * capacity / OFFERING), range(OFFERING)))
    for part in parts:
        assert part["lost"] == 0
        assert part["failed"] == 0, "an end that is neither an answer nor a word when to come again"
        assert part["p99"] < BOUND * 1000
    assert sum(part["admitted"] for part in parts) > capacity / 10
    assert sum(part["refused"] + part["reset"] for part in parts) > 0
    # The storm is over, and nothing of it is left.
    after = offer(target, tmp_path, capacity / 10)
    assert after["refused"] + after["reset"] + after["failed"] == 0

"""A server of its own that is offered twice what it can do, by calls that wait for no answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.offering import offer, stored
from server_process import ServerProcess
from shipped import go_tool

SECONDS = 3
#: Milliseconds that hold on a machine that is busy with other tests. Without admission a call waits for as long as
#: overload has lasted, and this lasts for longer.
BOUND = 5_000


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    process = ServerProcess(tmp_path)
    yield process.serving().target
    process.close()


def test_at_twice_its_capacity_a_server_answers_what_it_takes_in_and_loses_nothing(target: str, tmp_path: Path) -> None:
    program = go_tool("ghz")
    capacity = offer(program, target, tmp_path, SECONDS).rate
    storm = offer(program, target, tmp_path, 2 * SECONDS, 2 * capacity)
    assert storm.failed == 0, "an end that is neither an answer nor a word when to come again"
    assert stored(target, storm) == len(storm.answered), "what is acknowledged is there, and what is turned away is not"
    assert storm.figures()["p99"] < BOUND
    assert storm.rate > capacity / 10
    assert storm.refused + storm.reset > 0
    # The storm is over, and nothing of it is left.
    after = offer(program, target, tmp_path, SECONDS, capacity / 10)
    assert after.refused + after.reset + after.failed == 0

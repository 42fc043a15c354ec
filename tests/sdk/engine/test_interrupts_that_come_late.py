"""Interrupts at whatever step they come: none is lost and none leaks."""

import random
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from antiphon.engine import interrupts
from antiphon.engine.interrupts import Block, RunTimeout
from antiphon.exceptions import RunCancelled
from interrupting import (
    LONG,
    Place,
    compute,
    compute_until,
    interrupted_soon,
    on_another_thread,
)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Whatever a test did, no block, waker or handler stays behind."""
    yield
    assert interrupts._stacks == {}
    assert interrupts._wakers == {}
    assert signal.getsignal(signal.SIGALRM) != interrupts._alarm._handle


@pytest.mark.usefixtures("restless")
def test_threads_that_code_starts_get_no_interrupt_in_its_place() -> None:
    """Up to Python 3.11 a thread that is being started can be taken for its parent, which then waits for ever."""
    started = ended = 0

    def start_threads() -> None:
        nonlocal started, ended
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            thread = threading.Thread(target=int, daemon=True)
            started += 1
            thread.start()
            ended += 1
            sum(range(5000))

    def run() -> None:
        for _ in range(30):
            # Thread.start says KeyError where an exception comes at one certain step of it.
            with pytest.raises((RunTimeout, KeyError)):
                Block(0.005).run(start_threads)

    on_another_thread(run)
    assert ended > 0


class Forgetful:
    """Python ignores what is raised in its `__del__`."""

    def __del__(self) -> None:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass


def test_an_interrupt_that_python_ignored_comes_again(place: Place) -> None:
    def body() -> None:
        Forgetful()
        compute()

    def run() -> None:
        with pytest.raises(RunTimeout):
            Block(0.01).run(body)
        block = Block(None)
        interrupted_soon(block)
        with pytest.raises(RunCancelled):
            block.run(body)

    begin = time.monotonic()
    place(run)
    assert time.monotonic() - begin < LONG / 2


def test_what_else_cannot_be_raised_is_reported_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("mine")

    seen: list[object] = []
    with pytest.raises(RunTimeout):
        Block(0.0).run(compute)
    assert sys.unraisablehook == interrupts._unraisable._hook
    monkeypatch.setattr(interrupts._unraisable, "_previous", lambda told: seen.append(told.exc_value))
    Broken()
    assert [str(each) for each in seen] == ["mine"]


@pytest.mark.usefixtures("restless")
def test_late_interrupts_never_leak(place: Place) -> None:
    """Two thousand tiny blocks, interrupted whenever it happens to be. An exception behind a block fails the test, for
    it meets no handler."""
    chance = random.Random(1)
    now: list[Block] = [Block(None)]
    over = threading.Event()

    def disturb() -> None:
        own_chance = random.Random(2)
        while not over.is_set():
            now[0].interrupt(RunCancelled)
            for _ in range(own_chance.randrange(200)):
                pass

    def work(steps: int) -> None:
        for _ in range(steps):
            pass

    def run() -> tuple[int, int]:
        ended = interrupted = 0
        end = time.monotonic() + LONG
        while ended + interrupted < 2000 or (interrupted < 20 and time.monotonic() < end):
            block = now[0] = Block(chance.choice((None, 1e-5, 1e-4)))
            steps = chance.randrange(500)
            try:
                block.run(lambda steps=steps: work(steps))  # type: ignore[misc]
            except (RunCancelled, RunTimeout):
                interrupted += 1
            else:
                ended += 1
            assert not block.active
        end = time.monotonic() + 0.05
        compute_until(lambda: time.monotonic() > end)
        return ended, interrupted

    disturber = threading.Thread(target=disturb, daemon=True)
    disturber.start()
    try:
        ended, interrupted = place(run)
    finally:
        over.set()
        disturber.join()
    assert ended + interrupted >= 2000
    assert interrupted >= 20


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("swallow", [False, True])
def test_an_outer_limit_is_never_lost_among_inner_blocks(place: Place, swallow: bool) -> None:
    """It may come at any step, while an inner block opens or closes too; and inner code may catch it."""
    chance = random.Random(3)

    def tiny() -> None:
        try:
            sum(range(50))
        except TimeoutError:
            if not swallow:
                raise

    def inner() -> None:
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            block = Block(chance.choice((None, LONG, 1e-5)))
            try:
                block.run(tiny)
            except RunTimeout:
                if block.outer_timed_out or not block.timed_out:
                    raise

    def run() -> None:
        for _ in range(100):
            outer = Block(chance.uniform(0.0, 0.002))
            with pytest.raises(RunTimeout):
                outer.run(inner)
            assert outer.timed_out
            assert len(interrupts._stacks) == 0

    place(run)

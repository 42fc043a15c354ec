"""SIGALRM is shared with the program around."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from antiphon.engine import interrupts
from antiphon.engine.interrupts import Block, RunTimeout
from antiphon.exceptions import RunCancelled
from interrupting import LONG, compute, compute_until, interrupted_soon


@pytest.fixture
def own_alarm() -> Iterator[Callable[..., list[float]]]:
    """Sets a handler of the program's own for SIGALRM, and a timer; gives the list of times at which it is called."""
    handler, timer = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    def set_alarm(seconds: float = 0.0, interval: float = 0.0) -> list[float]:
        rung: list[float] = []
        signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
        signal.setitimer(signal.ITIMER_REAL, seconds, interval)
        return rung

    yield set_alarm
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *timer)


def test_the_programs_handler_and_timer_are_there_again(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm(LONG)
    handler = signal.getsignal(signal.SIGALRM)
    with pytest.raises(RunTimeout):
        Block(0.02).run(compute)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert signal.getsignal(signal.SIGALRM) is handler
    assert LONG / 2 < left < LONG - 0.01
    assert interval == 0
    assert rung == []


def test_without_a_timer_none_is_set_afterwards(own_alarm: Callable[..., list[float]]) -> None:
    own_alarm()
    Block(LONG).run(lambda: Block(LONG).run(lambda: None))
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_programs_timer_rings_inside_a_block(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm(0.02)
    Block(LONG).run(lambda: compute_until(lambda: bool(rung)))
    assert len(rung) == 1
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_that_was_due_as_a_limit_was_rings_too(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm(0.02)
    with pytest.raises(RunTimeout):
        Block(0.02).run(compute)
    compute_until(lambda: bool(rung))
    assert len(rung) == 1


def test_the_programs_repeated_timer_goes_on(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm(0.01, 0.01)
    Block(LONG).run(lambda: compute_until(lambda: len(rung) > 2))
    assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(0.01)
    before = len(rung)
    compute_until(lambda: len(rung) > before)


def test_an_alarm_that_code_sets_inside_a_block_rings(
    own_alarm: Callable[..., list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung = own_alarm()
    monkeypatch.setattr(interrupts._alarm, "_ours_until", 0.0)  # as if no test before had rung

    def set_one() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        compute_until(lambda: bool(rung))

    Block(None).run(set_one)
    assert len(rung) == 1


def test_our_own_alarms_do_not_reach_the_programs_handler(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm()
    for limit in (None, 0.001, LONG):
        block = Block(limit)
        interrupted_soon(block)
        with pytest.raises((RunCancelled, RunTimeout)):
            block.run(compute)
    assert rung == []


def test_our_own_alarm_that_is_under_way_at_the_end_reaches_nobody(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm()
    block = Block(None)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        block.run(lambda: block.interrupt(RunCancelled))
        assert signal.SIGALRM not in signal.sigpending()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert rung == []


def test_a_handler_that_code_puts_in_place_stays(own_alarm: Callable[..., list[float]]) -> None:
    own_alarm()

    def handler(*_: object) -> None: ...

    Block(None).run(lambda: signal.signal(signal.SIGALRM, handler))
    assert signal.getsignal(signal.SIGALRM) is handler
    signal.signal(signal.SIGALRM, interrupts._alarm._previous)

"""Interrupting synchronous code: by a time limit, from another thread, on the main thread and on others."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from antiphon.engine import interrupts
from antiphon.engine.interrupts import Block, RunTimeout, awakened
from antiphon.exceptions import RunCancelled, RunRevoked

#: Seconds that nothing here should take; a hung test says so itself.
LONG = 30.0

Place = Callable[[Callable[[], Any]], Any]


def on_main_thread(function: Callable[[], Any]) -> Any:
    return function()


def on_another_thread(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


@pytest.fixture(params=[on_main_thread, on_another_thread])
def place(request: pytest.FixtureRequest) -> Place:
    """Where the code runs."""
    assert threading.current_thread() is threading.main_thread()
    chosen: Place = request.param
    return chosen


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Whatever a test did, no block, waker or handler stays behind."""
    yield
    assert interrupts._stacks == {}
    assert interrupts._wakers == {}
    assert signal.getsignal(signal.SIGALRM) != interrupts._alarm._handle


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


def compute() -> None:
    """Pure Python that does not end."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


def compute_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < end


def interrupted_soon(block: Block, kind: type[Any] = RunCancelled) -> None:
    """Has another thread interrupt the block, as soon as it is active."""

    def interrupt() -> None:
        compute_until(lambda: block.active)
        block.interrupt(kind)

    threading.Thread(target=interrupt, daemon=True).start()


def test_code_that_ends_in_time_gives_its_value(place: Place) -> None:
    def run() -> tuple[str, Block]:
        block = Block(LONG)
        return block.run(lambda: "value"), block

    value, block = place(run)
    assert value == "value"
    assert not block.timed_out
    assert not block.active


def test_an_exception_of_the_code_passes(place: Place) -> None:
    def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        place(lambda: Block(LONG).run(fail))


def test_a_limit_ends_what_computes(place: Place) -> None:
    def run() -> Block:
        block = Block(0.02)
        with pytest.raises(RunTimeout):
            block.run(compute)
        return block

    assert place(run).timed_out


def test_on_the_main_thread_a_limit_ends_a_sleep() -> None:
    begin = time.monotonic()
    with pytest.raises(RunTimeout):
        Block(0.02).run(lambda: time.sleep(LONG))
    assert time.monotonic() - begin < LONG / 2


def test_on_another_thread_a_sleep_ends_first() -> None:
    begin = time.monotonic()
    with pytest.raises(RunTimeout):
        on_another_thread(lambda: Block(0.01).run(lambda: time.sleep(0.1)))
    assert time.monotonic() - begin >= 0.1


def test_a_wait_elsewhere_ends_where_somebody_can_end_it() -> None:
    awake = threading.Event()

    def wait() -> None:
        with awakened(awake.set):
            awake.wait(LONG)
        compute()

    begin = time.monotonic()
    with pytest.raises(RunTimeout):
        on_another_thread(lambda: Block(0.02).run(wait))
    assert time.monotonic() - begin < LONG / 2


@pytest.mark.parametrize("limit", [0.0, 1e-9, 1e-6, 1e-4])
def test_a_limit_may_be_over_at_once(place: Place, limit: float) -> None:
    def run() -> None:
        for _ in range(50):
            block = Block(limit)
            with pytest.raises(RunTimeout):
                block.run(compute)
            assert block.timed_out

    place(run)


def test_a_limit_that_is_not_reached_interrupts_nothing_later(place: Place) -> None:
    def run() -> None:
        end = time.monotonic() + 0.05
        Block(0.02).run(lambda: None)
        compute_until(lambda: time.monotonic() > end)

    place(run)


def test_the_limit_of_an_inner_block_leaves_the_outer_one_alone(place: Place) -> None:
    outer = Block(LONG)

    def inner() -> str:
        with pytest.raises(RunTimeout):
            Block(0.02).run(compute)
        return "on it goes"

    def run() -> str:
        nonlocal outer
        outer = Block(LONG)
        return outer.run(inner)

    assert place(run) == "on it goes"
    assert not outer.timed_out


@pytest.mark.parametrize("inner_limit", [None, LONG])
def test_the_limit_of_an_outer_block_goes_through_the_inner_one(place: Place, inner_limit: float | None) -> None:
    def run() -> tuple[Block, Block]:
        outer, inner = Block(0.02), Block(inner_limit)
        with pytest.raises(RunTimeout):
            outer.run(lambda: inner.run(compute))
        return outer, inner

    outer, inner = place(run)
    assert outer.timed_out
    assert not inner.timed_out
    assert inner.outer_timed_out


def test_the_outer_limit_wins_where_both_are_over(place: Place) -> None:
    def run() -> tuple[Block, Block]:
        outer = Block(0.02)
        inner = Block(0.02)
        with pytest.raises(RunTimeout):
            outer.run(lambda: inner.run(compute))
        return outer, inner

    outer, inner = place(run)
    assert outer.timed_out
    assert inner.outer_timed_out or not inner.timed_out


def test_an_outer_limit_that_inner_code_catches_comes_once_more(place: Place) -> None:
    def stubborn() -> str:
        with pytest.raises(TimeoutError):
            compute()
        return "went on"

    def run() -> None:
        outer = Block(0.02)
        with pytest.raises(RunTimeout):
            outer.run(lambda: Block(None).run(stubborn))
        assert outer.timed_out

    place(run)


def test_a_block_opened_after_the_outer_limit_is_its_own(place: Place) -> None:
    """Code that caught the limit may clean up: what it calls is not broken off for the same reason again."""

    def clean_up() -> str:
        with pytest.raises(TimeoutError):
            compute()
        return Block(None).run(lambda: "cleaned")

    assert place(lambda: Block(0.02).run(clean_up)) == "cleaned"


@pytest.mark.parametrize("kind", [RunCancelled, RunRevoked])
def test_another_thread_interrupts(place: Place, kind: type[BaseException]) -> None:
    def run() -> Block:
        block = Block(None)
        interrupted_soon(block, kind)
        with pytest.raises(kind):
            block.run(compute)
        return block

    assert not place(run).timed_out


def test_another_thread_interrupts_a_sleep_on_the_main_thread() -> None:
    block = Block(None)
    interrupted_soon(block)
    begin = time.monotonic()
    with pytest.raises(RunCancelled):
        block.run(lambda: time.sleep(LONG))
    assert time.monotonic() - begin < LONG / 2


def test_a_block_interrupts_itself(place: Place) -> None:
    def run() -> None:
        block = Block(None)

        def body() -> None:
            block.interrupt(RunCancelled)
            compute()

        with pytest.raises(RunCancelled):
            block.run(body)

    place(run)


def test_only_the_first_interrupt_counts(place: Place) -> None:
    def run() -> None:
        block = Block(None)

        def body() -> None:
            with pytest.raises(RunCancelled):
                block.interrupt(RunCancelled)
                compute()
            block.interrupt(RunRevoked)
            end = time.monotonic() + 0.02
            compute_until(lambda: time.monotonic() > end)

        block.run(body)
        assert block.due is RunCancelled

    place(run)


def test_an_interrupt_before_and_after_the_block_is_nothing(place: Place) -> None:
    def run() -> None:
        block = Block(None)
        block.interrupt(RunCancelled)
        assert block.run(lambda: "value") == "value"
        block.interrupt(RunCancelled)
        assert block.due is None

    place(run)


def test_a_signal_for_an_outer_block_waits_for_the_inner_one(place: Place) -> None:
    def run() -> None:
        outer = Block(None)

        def inner() -> None:
            outer.interrupt(RunCancelled)
            end = time.monotonic() + 0.02
            compute_until(lambda: time.monotonic() > end)

        outer.run(lambda: Block(None).run(inner))
        assert outer.due is RunCancelled

    place(run)


def test_blocks_of_threads_do_not_meet() -> None:
    def other() -> None:
        with pytest.raises(RunTimeout):
            Block(0.05).run(compute)

    with ThreadPoolExecutor(4) as executor:
        others = [executor.submit(other) for _ in range(4)]
        compute_until(lambda: all(each.done() for each in others))
        for each in others:
            each.result()


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


def test_an_alarm_that_code_sets_inside_a_block_rings(own_alarm: Callable[..., list[float]]) -> None:
    rung = own_alarm()

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


def test_a_handler_that_code_puts_in_place_stays(own_alarm: Callable[..., list[float]]) -> None:
    own_alarm()

    def handler(*_: object) -> None: ...

    Block(None).run(lambda: signal.signal(signal.SIGALRM, handler))
    assert signal.getsignal(signal.SIGALRM) is handler
    signal.signal(signal.SIGALRM, interrupts._alarm._previous)


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

    def work(steps: int) -> int:
        return sum(range(steps))

    def run() -> tuple[int, int]:
        ended = interrupted = 0
        for _ in range(2000):
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
    assert ended + interrupted == 2000
    assert interrupted > 0


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

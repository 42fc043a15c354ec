"""Interrupting synchronous code: by a time limit, from another thread, on the main thread and on others."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from antiphon.engine import interrupts
from antiphon.engine.interrupts import Block, RunTimeout, awakened
from antiphon.exceptions import RunCancelled, RunRevoked
from antiphon.session import forking
from interrupting import LONG, Place, compute, compute_until, interrupted_soon, on_another_thread, timed_out


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Whatever a test did, no block, waker or handler stays behind."""
    yield
    assert interrupts._stacks == {}
    assert interrupts._wakers == {}
    assert signal.getsignal(signal.SIGALRM) != interrupts._alarm._handle


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
    def run() -> tuple[bool, bool]:
        outer, known = Block(0.02), (False, False)

        def body() -> None:
            nonlocal known
            known = timed_out(Block(inner_limit))
            raise RunTimeout

        with pytest.raises(RunTimeout):
            outer.run(body)
        assert outer.timed_out
        return known

    assert place(run) == (False, True)


def test_the_outer_limit_counts_where_both_are_over(place: Place) -> None:
    def run() -> tuple[bool, bool]:
        outer, known = Block(0.02), (False, False)

        def body() -> None:
            nonlocal known
            known = timed_out(Block(0.02))
            raise RunTimeout

        with pytest.raises(RunTimeout):
            outer.run(body)
        assert outer.timed_out
        return known

    assert place(run)[1]


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


class Interrupting:
    """Holds a call, as far as forks know, and has a block interrupted as it is told of one."""

    def __init__(self, block: Block) -> None:
        self.notes: list[str] = []
        self._block = block

    def request_pause(self) -> None:
        self._block.interrupt(RunCancelled)
        time.sleep(0.1)  # for what should not come here
        self.notes.append("request")

    def await_pause(self) -> None:
        self.notes.append("await")

    def resume(self) -> None:
        self.notes.append("resume")

    def abandon(self) -> None:
        self.notes.append("abandon")


def test_an_interrupt_as_the_process_forks_waits_until_it_has(place: Place) -> None:
    def run() -> list[str]:
        block = Block(None)
        member = Interrupting(block)
        forking.track(member)

        def fork() -> None:
            child = os.fork()
            if child == 0:
                os._exit(0)
            try:
                compute()
            finally:
                os.waitpid(child, 0)

        with pytest.raises(RunCancelled):
            block.run(fork)
        return member.notes

    assert place(run) == ["request", "await", "resume"]

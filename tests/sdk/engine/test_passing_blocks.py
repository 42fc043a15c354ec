"""Passing blocks: stretches of a run's code that can be interrupted by themselves, and shield it from nothing."""

from typing import Any

import pytest

from antiphon.engine.interrupts import Block, RunTimeout, interruptible
from antiphon.exceptions import RunCancelled, SlotsLost
from interrupting import Place, compute, interrupted_soon


def compute_a_little() -> None:
    """Longer than it takes to be interrupted."""
    for _ in range(1000):
        sum(range(100))


def test_it_is_interrupted(place: Place) -> None:
    def body() -> None:
        with interruptible() as block:
            interrupted_soon(block, SlotsLost)
            compute()

    with pytest.raises(SlotsLost):
        place(body)


def test_after_its_end_nothing_comes(place: Place) -> None:
    def body() -> None:
        with interruptible() as block:
            pass
        block.interrupt(SlotsLost)
        compute_a_little()

    place(body)


def test_it_shields_from_nothing(place: Place) -> None:
    def body() -> None:
        outer = Block(None)

        def inside() -> None:
            with interruptible(), interruptible():
                interrupted_soon(outer)
                compute()

        outer.run(inside)

    with pytest.raises(RunCancelled):
        place(body)


def test_time_limits_go_through(place: Place) -> None:
    def inside() -> None:
        with interruptible():
            compute()

    with pytest.raises(RunTimeout):
        place(lambda: Block(0.02).run(inside))


def test_a_run_inside_ends_first(place: Place) -> None:
    reached: list[str] = []

    def body() -> None:
        with interruptible() as block:

            def inner() -> None:
                block.interrupt(SlotsLost)
                compute_a_little()
                reached.append("the end of the run inside")

            Block(None).run(inner)

    place(body)
    assert reached


def test_what_interrupts_more_goes_first(place: Place) -> None:
    def body() -> None:
        outer = Block(None)

        def inside() -> None:
            with interruptible() as block:
                try:
                    outer.interrupt(RunCancelled)
                    compute()
                finally:
                    block.interrupt(SlotsLost)
                    compute_a_little()

        outer.run(inside)

    with pytest.raises(RunCancelled):
        place(body)


def test_it_may_end_after_a_block_that_began_inside_of_it(place: Place) -> None:
    """As one does that a generator holds."""

    def holding() -> Any:
        with interruptible():
            yield

    def body() -> None:
        generator = holding()
        next(generator)
        inner = Block(None)

        def inside() -> None:
            generator.close()
            interrupted_soon(inner)
            compute()

        inner.run(inside)

    with pytest.raises(RunCancelled):
        place(body)

"""Arithmetic of slots."""

from dataclasses import replace

import pytest

from antiphon_server.domain.facts import CollisionStrategy, Deployment, Facts, Limit
from antiphon_server.domain.model import Run
from antiphon_server.domain.schedules.kinds import Overlap
from antiphon_server.domain.slots import (
    LONGEST_GUESS,
    cancelled_for_want_of,
    closed,
    collision,
    facts_of,
    full,
    guess,
    keeps,
    overlapped,
    wanted,
)
from antiphon_server.domain.states import CANCELLED, CANCELLING, PAUSED, PENDING, RUNNING, StateType
from policy_rows.row import SECOND, limit

FREE, LAST, FULL = limit("free", 2, 0), limit("last", 2, 1), limit("full", 2, 2)
#: Lowered below what is in use.
OVER, SHUT = limit("over", 1, 3), limit("shut", 0)
MINE, OFF = limit("mine", 1, 1, held=True), limit("off", 0, active=False)


def test_what_is_held_or_switched_off_is_not_wanted() -> None:
    assert wanted((FREE, MINE, OFF, FULL)) == (FREE, FULL)
    assert wanted(()) == ()


@pytest.mark.parametrize(("each", "free"), [(FREE, 2), (LAST, 1), (FULL, 0), (OVER, 0), (SHUT, 0)])
def test_slots_that_are_free(each: object, free: int) -> None:
    assert each.free == free  # type: ignore[attr-defined]


def test_which_limits_let_nobody_in() -> None:
    every = (FREE, MINE, OFF, FULL, OVER, SHUT)
    assert full(every) == (FULL, OVER, SHUT)
    assert closed(every) is SHUT
    assert (full((FREE, LAST, MINE)), closed((FULL, OFF))) == ((), None)


def test_only_the_limit_of_a_deployment_that_cancels_makes_a_collision() -> None:
    own, queue = limit("deployment:d", 1, 1), Deployment("d", "nightly")
    cancel = replace(queue, collision_strategy=CollisionStrategy.CANCEL_NEW)
    assert collision(around(FULL, own, deployment=cancel)) is own
    assert collision(around(FULL, replace(own, held=True), deployment=cancel)) is None
    assert collision(around(FULL, deployment=cancel)) is collision(around(own, deployment=queue)) is None
    assert collision(around(own)) is None


def test_the_limit_of_a_schedule_makes_what_its_overlap_says() -> None:
    own = limit("schedule:s", 1, 1)
    found = {
        each: (collision(around(FULL, own, overlap=each)), overlapped(around(FULL, own, overlap=each)))
        for each in Overlap
    }
    assert found == {
        Overlap.ALLOW: (None, None),
        Overlap.ENQUEUE: (None, None),
        Overlap.SKIP: (own, None),
        Overlap.CANCEL_OTHER: (None, own),
    }
    by_hand = replace(around(own, overlap=Overlap.SKIP), run=Run("r"))
    assert collision(by_hand) is overlapped(replace(by_hand, overlap=Overlap.CANCEL_OTHER)) is None
    assert overlapped(around(FULL, replace(own, held=True), overlap=Overlap.CANCEL_OTHER)) is None


def around(*limits: Limit, **facts: object) -> Facts:
    """What there is of a run of the schedule `s`."""
    return Facts(Run("r", schedule_id="s"), limits=limits, **facts)  # type: ignore[arg-type]


def test_a_guess_is_about_as_long_as_a_slot_is_held_and_differs_from_caller_to_caller() -> None:
    held = limit(average_occupancy=4 * SECOND)
    drawn = {guess(held, str(seed)) for seed in range(200)}
    assert 4 * SECOND <= min(drawn) < 4.2 * SECOND
    assert 5 * SECOND < max(drawn) <= 5.2 * SECOND
    assert len(drawn) > 150
    assert guess(held, "7") == guess(held, "7"), "the decision is a function of its input"


@pytest.mark.parametrize("average", [3600 * SECOND, 0])
def test_a_guess_is_bounded(average: int) -> None:
    assert LONGEST_GUESS <= guess(limit(average_occupancy=average), "x") <= 1.3 * LONGEST_GUESS


def test_people_read_what_is_taken() -> None:
    assert facts_of((LAST, OFF, OVER)) == (("last", "1 of 2 slots taken"), ("over", "3 of 1 slots taken"))


def test_a_run_that_is_cancelled_for_want_of_a_slot_says_so() -> None:
    state = cancelled_for_want_of(FULL)
    assert (state.type, state.name) == (CANCELLED, "Cancelled")
    assert "all 2 slots of full are taken" in state.message


def test_states_that_keep_slots() -> None:
    assert {each for each in StateType if keeps(True, each)} == {PENDING, RUNNING, CANCELLING}
    assert {each for each in StateType if keeps(False, each)} == {RUNNING, CANCELLING}
    assert not keeps(True, PAUSED)

"""Arithmetic of slots."""

from dataclasses import replace

import pytest

from antiphon_server.domain.facts import CollisionStrategy, Deployment
from antiphon_server.domain.slots import (
    LONGEST_GUESS,
    cancelled_for_want_of,
    closed,
    collision,
    facts_of,
    full,
    guess,
    keeps,
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
    assert collision((FULL, own), cancel) is own
    assert collision((FULL, replace(own, held=True)), cancel) is None
    assert collision((FULL,), cancel) is collision((own,), queue) is collision((own,), None) is None


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

"""The invariants of the orchestration policy, over whole lives: sessions that are cut, die and come back, callers with
old claims, limits that change under way, servers that are killed, and a clock that jumps.

    ANTIPHON_SIMULATION_SEED=17 scripts/test tests/simulation    lives that very life again
    ANTIPHON_TEST_EFFORT=50 scripts/test tests/simulation        lives many
"""

import os

import pytest

from effort import EFFORT
from simulation.events import Event, lines
from simulation.playing import live, replay
from simulation.shrinking import Shrinker
from simulation.violations import Violation

SEED = os.environ.get("ANTIPHON_SIMULATION_SEED")
#: A crowd that is served for long, and small ones in which everybody meets everybody.
LARGE = [int(SEED)] if SEED else list(range(1, 1 + max(1, round(EFFORT))))
SMALL = [int(SEED)] if SEED else list(range(1, 1 + max(1, round(15 * EFFORT))))


def _report(seed: int, history: list[Event], violation: Violation) -> str:
    shrinker = Shrinker(violation)
    shortest = shrinker.shrink(history)
    told = "\n".join(lines(shortest))
    again = f"ANTIPHON_SIMULATION_SEED={seed} scripts/test tests/simulation"
    return f"seed {seed} broke a promise after {len(history)} events. The shortest history that does:\n{told}\n" + (
        f"{shrinker.violation}\nTo see it again: {again}"
    )


def _live(seed: int, runs: int, sessions: int) -> list[Event]:
    history, violation = live(seed, runs, sessions)
    if violation is not None:
        pytest.fail(_report(seed, history, violation), pytrace=False)
    return history


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", LARGE)
def test_a_life_of_a_thousand_runs_and_fifty_sessions_keeps_every_promise(seed: int) -> None:
    _live(seed, 1000, 50)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SMALL)
def test_a_small_life_keeps_every_promise(seed: int) -> None:
    _live(seed, 150, 6)


def test_the_same_seed_lives_the_same_life() -> None:
    first = _live(3, 60, 4)
    assert _live(3, 60, 4) == first
    assert replay(first) is None

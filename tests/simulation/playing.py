"""A life from a seed, or from a history."""

from collections.abc import Sequence

from simulation.actors import Actors
from simulation.events import Event
from simulation.violations import Violation
from simulation.world import World


def live(seed: int, runs: int = 1000, sessions: int = 50) -> tuple[list[Event], Violation | None]:
    """Lives a life; gives its history and the promise that was broken at its end, if any."""
    world = World()
    history: list[Event] = []
    try:
        for event in Actors(seed, world, runs, sessions).events():
            history.append(event)
            world.offer(event)
        world.offer(None)
    except Violation as violation:
        return history, violation
    finally:
        world.close()
    return history, None


def replay(history: Sequence[Event]) -> Violation | None:
    """The promise that is broken by a history, if any."""
    world = World()
    try:
        for event in history:
            world.offer(event)
        world.offer(None)
    except Violation as violation:
        return violation
    finally:
        world.close()
    return None

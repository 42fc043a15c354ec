"""Arithmetic of slots: which limits are full, how long a slot may take, what a run is told that finds none."""

import random
from collections.abc import Sequence

from antiphon_server.domain import limit_names
from antiphon_server.domain.facts import CollisionStrategy, Facts, Limit
from antiphon_server.domain.model import State
from antiphon_server.domain.schedules.kinds import Overlap
from antiphon_server.domain.states import CANCELLED, CANCELLING, DEFAULT_NAMES, PENDING, RUNNING, StateType

#: Microseconds after which a run that found no slot is scheduled again, should nobody call it before.
SLOT_WAIT = 30_000_000
#: Microseconds: a guess at the time until a slot is free is at most so long.
LONGEST_GUESS = 10_000_000
#: States in which a flow run keeps its slots; a task run keeps its own while RUNNING or CANCELLING.
FLOW_RUN_KEEPS = frozenset({PENDING, RUNNING, CANCELLING})
TASK_RUN_KEEPS = frozenset({RUNNING, CANCELLING})


def wanted(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """The limits whose slot the run needs and does not hold."""
    return tuple(limit for limit in limits if limit.active and not limit.held)


def closed(limits: Sequence[Limit]) -> Limit | None:
    """The first one that lets nobody in at all."""
    return next((limit for limit in wanted(limits) if limit.slots == 0), None)


def full(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """Those that have no slot free for it."""
    return tuple(limit for limit in wanted(limits) if limit.free == 0)


def collision(facts: Facts) -> Limit | None:
    """The own limit of the run's deployment, or of its schedule, where that is full and what collides is cancelled. A
    full work pool or work queue is no collision, since other deployments fill it as well."""
    names = set()
    if facts.deployment is not None and facts.deployment.collision_strategy is CollisionStrategy.CANCEL_NEW:
        names.add(limit_names.of_deployment(facts.deployment.id))
    if facts.run.schedule_id is not None and facts.overlap is Overlap.SKIP:
        names.add(limit_names.of_schedule(facts.run.schedule_id))
    return next((limit for limit in full(facts.limits) if limit.name in names), None)


def overlapped(facts: Facts) -> Limit | None:
    """The limit of the run's schedule, where that is full and who holds its slot is to be cancelled."""
    if facts.run.schedule_id is None or facts.overlap is not Overlap.CANCEL_OTHER:
        return None
    own = limit_names.of_schedule(facts.run.schedule_id)
    return next((limit for limit in full(facts.limits) if limit.name == own), None)


def guess(limit: Limit, seed: str) -> int:
    """Microseconds until a slot may be free: about the average time that one is held, and at most ten seconds; a limit
    of which nothing is known yet takes as long. Spread by up to 30 %, drawn from `seed`, so that callers who ask again
    do not come together."""
    base = min(limit.average_occupancy, LONGEST_GUESS) or LONGEST_GUESS
    return round(base * (1 + 0.3 * random.Random(seed).random()))


def titles(limits: Sequence[Limit]) -> str:
    """As people call them."""
    return ", ".join(limit.title for limit in limits)


def facts_of(limits: Sequence[Limit]) -> tuple[tuple[str, str], ...]:
    """As people read them."""
    return tuple((limit.title, f"{limit.taken} of {limit.slots} slots taken") for limit in limits if limit.active)


def cancelled_for_want_of(limit: Limit) -> State:
    return State(
        CANCELLED,
        DEFAULT_NAMES[CANCELLED],
        f"all {limit.slots} slots of {limit.title} are taken, and new runs that collide there are cancelled",
    )


def keeps(is_flow_run: bool, state: StateType) -> bool:
    """Whether a run that enters `state` keeps the slots that it has."""
    return state in (FLOW_RUN_KEEPS if is_flow_run else TASK_RUN_KEEPS)

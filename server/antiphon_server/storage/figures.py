"""How much there is of what waits and of what is held, for who watches over a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, case, func, select

from antiphon_server.domain import limit_names
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.storage.tables import RUNS, concurrency_limits, sessions, slot_waiters, slots, waits

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

#: Runs that are due are counted up to this number: a look takes a moment, however many there are.
MOST = 100_000

_OWNERS = (
    (limit_names.TAG, "tag"),
    (limit_names.DEPLOYMENT, "deployment"),
    (limit_names.SCHEDULE, "schedule"),
    (limit_names.WORK_POOL, "work_pool"),
    (limit_names.WORK_QUEUE, "work_queue"),
)
NAMED = "named"
#: Whose the limits are.
OWNERS = (*(owner for _, owner in _OWNERS), NAMED)


@dataclass(frozen=True, slots=True)
class Due:
    """Runs that wait for a worker: how many, and when the first of them was due (microseconds)."""

    runs: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """As of the last commit."""

    active_sessions: int
    proposals_waiting: int
    #: By what waits: a kind of run, or a lease.
    slot_waiters: Mapping[str, int]
    #: By whose the limits are, see `OWNERS`.
    slots_taken: Mapping[str, int]
    due: Mapping[RunKind, Due]


def _owner() -> ColumnElement[str]:
    name = concurrency_limits.c.name
    return case(*((func.substr(name, 1, len(prefix)) == prefix, owner) for prefix, owner in _OWNERS), else_=NAMED)


def _due(kind: RunKind, now: int) -> Select[Any, Any]:
    queued = RUNS[kind].c.queue_time
    some = select(queued).where(queued.is_not(None), queued <= now).limit(MOST).subquery()
    return select(func.count(), func.min(some.c.queue_time)).select_from(some)


async def read_figures(connection: "AsyncConnection", now: int) -> Figures:
    """`now` in microseconds says what is due."""
    active = select(func.count()).select_from(sessions).where(sessions.c.status == SessionStatus.ACTIVE)
    waiting = select(slot_waiters.c.run_kind, func.count()).group_by(slot_waiters.c.run_kind)
    owner = _owner().label("owner")
    of_limits = slots.join(concurrency_limits, concurrency_limits.c.id == slots.c.limit_id)
    taken = select(owner, func.sum(slots.c.count)).select_from(of_limits).group_by(owner)
    return Figures(
        (await connection.execute(active)).scalar_one(),
        (await connection.execute(select(func.count()).select_from(waits))).scalar_one(),
        {kind: count for kind, count in await connection.execute(waiting)},
        {whose: int(count) for whose, count in await connection.execute(taken)},
        {kind: await _read_due(connection, kind, now) for kind in RUNS},
    )


async def _read_due(connection: "AsyncConnection", kind: RunKind, now: int) -> Due:
    runs, oldest = (await connection.execute(_due(kind, now))).one()
    return Due(runs, oldest)

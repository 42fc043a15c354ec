"""Who waits, in one batch: proposals that were told WAIT, and the queues for slots. Written at once: it is rare."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from antiphon_server.domain.model import Run
from antiphon_server.storage.tables import slot_waiters, waits

_queue = slot_waiters.c
#: In `slot_waiters.run_kind`: the waiter is no run's but a lease, see `storage/leases.py`.
LEASE = "lease"


_WAITERS = select(_queue.waiter_id, _queue.run_kind, _queue.run_id, _queue.rank, _queue.position, _queue.count)
#: Who is served first.
_ORDER = (_queue.rank, _queue.position, _queue.waiter_id)


class WaiterKind(Enum):
    """What is done with a waiter whose turn has come."""

    PROPOSAL = "a proposal, which is decided anew"
    RUN = "a run that is scheduled for now"
    LEASE = "a lease that is given to the call that waits for it"


@dataclass(slots=True)
class Waiter:
    """Who waits for slots of one limit."""

    #: A transition, the run itself, or the lease.
    id: str
    run_kind: str
    run_id: str
    rank: int
    position: int
    #: Slots that it needs.
    count: int

    @property
    def kind(self) -> WaiterKind:
        if self.run_kind == LEASE:
            return WaiterKind.LEASE
        return WaiterKind.RUN if self.id == self.run_id else WaiterKind.PROPOSAL


@dataclass(frozen=True, slots=True)
class Unserved:
    """The part of a limit's queue that is still to be looked at."""

    limit_id: str
    #: Where it begins; None at the first one.
    after: Waiter | None
    #: Whether all are asked, whatever slots are free.
    everyone: bool


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whom a waiter stands for."""

    run_kind: str
    run_id: str
    priority: int
    count: int = 1

    @classmethod
    def of_run(cls, run: Run) -> "Claimant":
        return cls(run.kind.value, run.id, run.priority)


class Waiting:
    """`proposals` holds the serialized proposals that are known to wait, by transition id."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._last_position: int | None = None
        #: Limits of which it was seen that nobody waits for them; who frees many slots of one looks once.
        self._unwanted: set[str] = set()
        self.proposals: dict[str, bytes] = {}
        #: Rows of `waits` that are new or have another time.
        self.begun: list[dict[str, Any]] = []
        #: (transition id, run id) of proposals that do not wait any more.
        self.ended: list[tuple[str, str]] = []

    def put(self, row: dict[str, Any], run: Run, limit_ids: Iterable[str]) -> None:
        """A proposal that waits, for a time or for slots; one that waits already keeps its place in the queues."""
        transition_id = row["transition_id"]
        self._connection.execute(waits.delete().where(waits.c.transition_id == transition_id))
        self._connection.execute(waits.insert(), row)
        self.join(transition_id, Claimant.of_run(run), limit_ids)
        self.proposals[transition_id] = row["proposal"]
        self.begun.append(row)

    def end(self, where: ColumnElement[bool]) -> Sequence[Any]:
        """Forgets proposals that wait; gives their rows."""
        ended = self._connection.execute(waits.select().where(where)).fetchall()
        if not ended:
            return ended
        self._connection.execute(waits.delete().where(where))
        for row in ended:
            self.leave(row.transition_id)
            self.proposals.pop(row.transition_id, None)
            self.ended.append((row.transition_id, row.run_id))
        return ended

    def join(self, waiter_id: str, claimant: Claimant, limit_ids: Iterable[str]) -> None:
        """Queues for slots of each limit, behind all others of the same priority, and of no other limit any more."""
        wanted = set(limit_ids)
        mine = slot_waiters.select().where(_queue.waiter_id == waiter_id)
        known = {row.limit_id: row for row in self._connection.execute(mine)}
        stale = known.keys() - wanted
        if stale:
            here = (_queue.waiter_id == waiter_id) & _queue.limit_id.in_(stale)
            self._connection.execute(slot_waiters.delete().where(here))
        first = next(iter(known.values()), None)
        position = first.position if first is not None else self._next_position() if wanted else 0
        rows = [
            {
                "limit_id": limit_id,
                "waiter_id": waiter_id,
                "run_kind": claimant.run_kind,
                "run_id": claimant.run_id,
                "count": claimant.count,
                "rank": -claimant.priority,
                "position": position,
                "create_time": first.create_time if first is not None else self._now,
            }
            for limit_id in sorted(wanted - known.keys())
        ]
        if rows:
            self._connection.execute(slot_waiters.insert(), rows)
            self._unwanted -= wanted

    def leave(self, waiter_id: str) -> None:
        """Leaves all queues."""
        self._connection.execute(slot_waiters.delete().where(_queue.waiter_id == waiter_id))

    def next_for(self, limit_id: str, after: Waiter | None) -> Waiter | None:
        """The first of those who wait for a slot of this limit, behind `after`."""
        if limit_id in self._unwanted:
            return None
        query = _WAITERS.where(_queue.limit_id == limit_id)
        if after is not None:
            query = query.where(tuple_(*_ORDER) > tuple_(after.rank, after.position, after.id))
        row = self._connection.execute(query.order_by(*_ORDER).limit(1)).one_or_none()
        if row is None and after is None:
            self._unwanted.add(limit_id)
        return Waiter(*row) if row is not None else None

    def place(self, limit_id: str, run: Run) -> tuple[int, int | None]:
        """How many are ahead of a run in the queue of a limit, and since when (microseconds) it waits there.

        Where it does not wait that is None, and all are ahead that would be if it asked now. Of several proposals that
        wait the foremost counts.
        """
        here = _queue.limit_id == limit_id
        proposals = select(waits.c.transition_id).where(waits.c.run_id == run.id)
        own = here & ((_queue.waiter_id == run.id) | _queue.waiter_id.in_(proposals))
        query = select(*_ORDER, _queue.create_time).where(own).order_by(*_ORDER).limit(1)
        mine = self._connection.execute(query).one_or_none()
        ahead = _queue.rank <= -run.priority if mine is None else tuple_(*_ORDER) < tuple_(*mine[:3])
        count: int = self._connection.execute(select(func.count()).where(here, ahead)).scalar_one()
        return count, mine.create_time if mine is not None else None

    def place_of(self, waiter_id: str) -> int | None:
        """Its position in the queues; None where it stands in none."""
        query = select(func.min(_queue.position)).where(_queue.waiter_id == waiter_id)
        position: int | None = self._connection.execute(query).scalar_one()
        return position

    def blocked(self, limit_id: str, room: int, priority: int, position: int | None) -> bool:
        """Whether somebody before this place needs more slots of the limit than `room`; None is behind the last one."""
        ahead: ColumnElement[bool] = _queue.rank <= -priority
        if position is not None:
            ahead = (_queue.rank < -priority) | ((_queue.rank == -priority) & (_queue.position < position))
        query = select(_queue.waiter_id).where(_queue.limit_id == limit_id, _queue.count > room, ahead).limit(1)
        return self._connection.execute(query).one_or_none() is not None

    def asking_more(self, limit_id: str, slots: int, most: int) -> Sequence[Waiter]:
        """The first `most` of those who wait for more than `slots` slots of a limit."""
        query = _WAITERS.where(_queue.limit_id == limit_id, _queue.count > slots)
        query = query.order_by(*_ORDER).limit(most)
        return [Waiter(*row) for row in self._connection.execute(query)]

    def limits_of(self, waiter_id: str) -> Sequence[str]:
        """The ids of the limits in whose queues it stands."""
        query = select(_queue.limit_id).where(_queue.waiter_id == waiter_id).order_by(_queue.limit_id)
        return self._connection.execute(query).scalars().all()

    def limits(self) -> Sequence[str]:
        """The ids of all limits that somebody waits for; some may be gone."""
        return self._connection.execute(select(_queue.limit_id).distinct().order_by(_queue.limit_id)).scalars().all()

    def _next_position(self) -> int:
        if self._last_position is None:
            last: int | None = self._connection.execute(select(func.max(_queue.position))).scalar_one()
            self._last_position = last or 0
        self._last_position += 1
        return self._last_position

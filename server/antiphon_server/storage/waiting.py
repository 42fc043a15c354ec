"""Who waits, in one batch: proposals that were told WAIT, and the queues for slots. Written at once: it is rare."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from antiphon_server.domain.model import Run
from antiphon_server.storage.tables import slot_waiters, waits

_queue = slot_waiters.c


@dataclass(slots=True)
class Waiter:
    """Who waits for a slot of one limit: a proposal, or a run that is scheduled when its turn comes."""

    #: A transition, or the run itself.
    id: str
    run_kind: str
    run_id: str
    rank: int
    position: int


class Waiting:
    """`proposals` holds the serialized proposals that are known to wait, by transition id."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._last_position: int | None = None
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
        self.join(transition_id, run, limit_ids)
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

    def join(self, waiter_id: str, run: Run, limit_ids: Iterable[str]) -> None:
        """Queues for a slot of each limit, behind all others of the same priority."""
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
                "run_kind": run.kind.value,
                "run_id": run.id,
                "rank": -run.priority,
                "position": position,
                "create_time": first.create_time if first is not None else self._now,
            }
            for limit_id in sorted(wanted - known.keys())
        ]
        if rows:
            self._connection.execute(slot_waiters.insert(), rows)

    def leave(self, waiter_id: str) -> None:
        """Leaves all queues."""
        self._connection.execute(slot_waiters.delete().where(_queue.waiter_id == waiter_id))

    def limits_of(self, waiter_id: str) -> set[str]:
        """The limits in whose queues it stands."""
        query = select(_queue.limit_id).where(_queue.waiter_id == waiter_id)
        return set(self._connection.execute(query).scalars())

    def next_for(self, limit_id: str, after: Waiter | None) -> Waiter | None:
        """The first of those who wait for a slot of this limit, behind `after`."""
        query = select(_queue.waiter_id, _queue.run_kind, _queue.run_id, _queue.rank, _queue.position)
        query = query.where(_queue.limit_id == limit_id)
        if after is not None:
            behind = (_queue.rank > after.rank) | (
                (_queue.rank == after.rank)
                & (
                    (_queue.position > after.position)
                    | ((_queue.position == after.position) & (_queue.waiter_id > after.id))
                )
            )
            query = query.where(behind)
        order = (_queue.rank, _queue.position, _queue.waiter_id)
        row = self._connection.execute(query.order_by(*order).limit(1)).one_or_none()
        return Waiter(*row) if row is not None else None

    def place(self, limit_id: str, run: Run) -> tuple[int, int | None]:
        """How many are ahead of a run in the queue of a limit, and since when (microseconds) it waits there.

        Where it does not wait that is None, and all are ahead that would be if it asked now. Of several proposals that
        wait the foremost counts.
        """
        here = _queue.limit_id == limit_id
        proposals = select(waits.c.transition_id).where(waits.c.run_id == run.id)
        own = here & ((_queue.waiter_id == run.id) | _queue.waiter_id.in_(proposals))
        order = (_queue.rank, _queue.position, _queue.waiter_id)
        query = select(*order, _queue.create_time).where(own).order_by(*order).limit(1)
        mine = self._connection.execute(query).one_or_none()
        ahead = _queue.rank <= -run.priority if mine is None else tuple_(*order) < tuple_(*mine[:3])
        count: int = self._connection.execute(select(func.count()).where(here, ahead)).scalar_one()
        return count, mine.create_time if mine is not None else None

    def _next_position(self) -> int:
        if self._last_position is None:
            last: int | None = self._connection.execute(select(func.max(_queue.position))).scalar_one()
            self._last_position = last or 0
        self._last_position += 1
        return self._last_position

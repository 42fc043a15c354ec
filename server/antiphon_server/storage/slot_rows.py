"""Who holds slots of one limit, and who waits for them: pages of rows that have no id of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from antiphon_server.domain.ordering import OrderKey
from antiphon_server.storage.keyset import after_clause, order_clauses
from antiphon_server.storage.tables import slot_leases, slot_waiters, slots


@dataclass(frozen=True, slots=True)
class LimitRows:
    """Rows of a table by the limit that they belong to, in one order, and with `holder`: what AcquireSlots was told."""

    table: Table
    #: The column that has the lease, where there is one.
    lease: ColumnElement[str]
    order: tuple[OrderKey, ...]

    def page(self, limit_id: str, after: Sequence[Any] | None, size: int) -> Select[Any]:
        """The first `size` rows of a limit behind the keys `after`, or from the first one on."""
        holder = func.coalesce(slot_leases.c.holder, "").label("holder")
        statement = select(self.table, holder).select_from(
            self.table.outerjoin(slot_leases, slot_leases.c.id == self.lease)
        )
        statement = statement.where(self.table.c.limit_id == limit_id)
        columns = dict(self.table.c.items())
        if after is not None:
            statement = statement.where(after_clause(self.order, columns, after))
        return statement.order_by(*order_clauses(self.order, columns)).limit(size)

    def keys(self, row: Any) -> tuple[Any, ...]:
        """What `page` goes on after."""
        return tuple(getattr(row, key.column) for key in self.order)


def _by(*columns: str) -> tuple[OrderKey, ...]:
    return tuple(OrderKey(column) for column in columns)


SLOTS = LimitRows(slots, slots.c.holder_id, _by("acquire_time", "holder_id"))
#: In the order in which they are served.
SLOT_WAITERS = LimitRows(slot_waiters, slot_waiters.c.waiter_id, _by("rank", "position", "waiter_id"))

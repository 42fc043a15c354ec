"""Concurrency limits: made, changed, emptied and deleted. Each change serves those who wait, the first of them in the
same transaction.

Limits that belong to something (a deployment, a work pool, a work queue) come and go with it, see `set_own`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from antiphon_server.application import leasing, rows
from antiphon_server.application.handing_over import MOST, hand_over
from antiphon_server.application.leasing import refuse_hopeless
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "concurrency limit"
#: Microseconds that a slot of a new limit is thought to be held.
FIRST_OCCUPANCY = 2_000_000


@dataclass(slots=True)
class CreateConcurrencyLimit:
    """A limit by a name that is not taken. The answer is its id."""

    name: str
    slots: int
    active: bool
    slot_decay_per_second: float

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        _check_free(working_set, self.name)
        return _add(working_set, self.name, self.slots, self.active, self.slot_decay_per_second)


@dataclass(slots=True)
class UpdateConcurrencyLimit:
    """Sets columns of one limit. `values` come from an update mask that was checked."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = _find_free_standing(working_set, self.id, self.etag)
        name = self.values.get("name", row.name)
        if name != row.name:
            _check_free(working_set, name)
        rows.change(working_set, tables.concurrency_limits, row, self.values)
        _serve(working_set, [row.id], renamed=name != row.name)
        if 0 < self.values.get("slots", 0) < row.slots:
            refuse_hopeless(working_set, row.id, MOST)


@dataclass(slots=True)
class DeleteConcurrencyLimit:
    """Deletes one limit and its slots."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = _find_free_standing(working_set, self.id, self.etag)
        _delete(working_set, [row.id])
        _serve(working_set, [row.id])


@dataclass(slots=True)
class ResetConcurrencyLimit:
    """Frees all slots of a limit, whatever its holders do. Leases that had one end, so that their holders hear."""

    id: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.concurrency_limits, NOUN, self.id)
        slots = tables.slots
        holders = working_set.connection.execute(select(slots.c.holder_id).where(slots.c.limit_id == row.id)).scalars()
        for lease in filter(None, map(working_set.leases.find, holders.all())):
            leasing.end(working_set, lease, decaying=True)
        working_set.flush()
        working_set.connection.execute(slots.delete().where(slots.c.limit_id == row.id))
        _serve(working_set, [row.id])


def change_owner(working_set: WorkingSet, table: Table, row: Any, values: dict[str, Any], limit_name: str) -> None:
    """Sets columns of something that has its own limit, and that limit where `values` has `concurrency_limit`."""
    columns = {name: value for name, value in values.items() if name != "concurrency_limit"}
    rows.change(working_set, table, row, columns)
    working_set.surroundings.forget()
    if "concurrency_limit" in values:
        set_own(working_set, limit_name, values["concurrency_limit"])


def set_own(working_set: WorkingSet, name: str, slots: int | None) -> None:
    """Gives something its own limit, changes that, or takes it away (None). Call it once the owner's row is written."""
    working_set.flush()
    limits = tables.concurrency_limits
    row = working_set.connection.execute(limits.select().where(limits.c.name == name)).one_or_none()
    if slots is None:
        drop_own(working_set, [name])
    elif row is None:
        _add(working_set, name, slots)
    elif row.slots != slots:
        rows.change(working_set, limits, row, {"slots": slots})
        _serve(working_set, [row.id])


def drop_own(working_set: WorkingSet, names: Sequence[str]) -> None:
    """Deletes the limits with these names, where they are there."""
    working_set.flush()
    limits = tables.concurrency_limits
    dropped: list[str] = []
    for some in chunks(names):
        found = select(limits.c.id).where(limits.c.name.in_(some)).order_by(limits.c.id)
        dropped += working_set.connection.execute(found).scalars()
    for some in chunks(dropped):
        _delete(working_set, some)
    if dropped:
        _serve(working_set, dropped)


def _add(
    working_set: WorkingSet, name: str, slots: int, active: bool = True, slot_decay_per_second: float = 0.0
) -> str:
    id = rows.add(
        working_set,
        tables.concurrency_limits,
        {
            "name": name,
            "slots": slots,
            "active": active,
            "slot_decay_per_second": slot_decay_per_second,
            "average_occupancy": FIRST_OCCUPANCY,
        },
    )
    working_set.slots.forget()
    return id


def _delete(working_set: WorkingSet, ids: Sequence[str]) -> None:
    limits, slots = tables.concurrency_limits, tables.slots
    working_set.connection.execute(slots.delete().where(slots.c.limit_id.in_(ids)))
    working_set.connection.execute(limits.delete().where(limits.c.id.in_(ids)))


def _serve(working_set: WorkingSet, ids: Sequence[str], *, renamed: bool = False) -> None:
    """Lets those who wait for limits hear of what was written to them."""
    working_set.slots.forget()
    hand_over(working_set, ids, everyone=renamed)


def _find_free_standing(working_set: WorkingSet, id: str, etag: str) -> Any:
    """The row of a limit that belongs to nothing. Raises as `rows.find`, and FailedPrecondition (LIMIT_HAS_OWNER)."""
    row = rows.find(working_set, tables.concurrency_limits, NOUN, id, etag)
    owner = limit_names.owner_of(row.name)
    if owner is not None:
        raise FailedPrecondition(
            "LIMIT_HAS_OWNER",
            f"{row.name} is the limit of {owner}: change or clear its concurrency_limit there",
        )
    return row


def _check_free(working_set: WorkingSet, name: str) -> None:
    """Raises InvalidArgument (LIMIT_NAME_RESERVED) or AlreadyExists (CONCURRENCY_LIMIT_EXISTS)."""
    owner = limit_names.owner_of(name)
    if owner is not None:
        raise InvalidArgument(
            "LIMIT_NAME_RESERVED",
            f"{name!r} is how the limit of {owner} is called; choose another name, or set its concurrency_limit",
            field="concurrency_limit.name",
        )
    if rows.exists(working_set, tables.concurrency_limits, name=name):
        raise AlreadyExists(
            "CONCURRENCY_LIMIT_EXISTS",
            f"there is a concurrency limit {name!r} already; update it, or choose another name",
        )

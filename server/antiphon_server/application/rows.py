"""Rows of tables that no batch loads in bulk: found, added and changed one by one."""

from typing import Any

from sqlalchemy import Table
from uuid_utils import uuid7

from antiphon_server.domain.errors import Aborted, not_found
from antiphon_server.storage.working_set import WorkingSet


def find(
    working_set: WorkingSet,
    table: Table,
    noun: str,
    id: str,
    etag: str = "",
    *,
    why: str = "it was never created, or it was deleted",
) -> Any:
    """The row as it is. Raises NotFound, which says `why`, or Aborted (ETAG_MISMATCH) for a stale etag."""
    working_set.flush()
    row = working_set.connection.execute(table.select().where(table.c.id == id)).one_or_none()
    if row is None:
        raise not_found(noun, id, why)
    check_etag(row, noun, etag)
    return row


def check_etag(row: Any, noun: str, etag: str) -> None:
    """Raises Aborted (ETAG_MISMATCH) for a stale etag; an empty one is none."""
    if etag and etag != str(row.version):
        raise Aborted(
            "ETAG_MISMATCH",
            f"{noun} {row.id} was changed since (its etag is {row.version}, not {etag}); read it again and decide anew",
        )


def exists(working_set: WorkingSet, table: Table, **values: Any) -> bool:
    """Whether a row has these values."""
    working_set.flush()
    query = table.select().with_only_columns(table.c.id)
    query = query.where(*(table.c[name] == value for name, value in values.items())).limit(1)
    return working_set.connection.execute(query).one_or_none() is not None


def add(working_set: WorkingSet, table: Table, values: dict[str, Any]) -> str:
    """A new row; gives the id that it got."""
    id, now = str(uuid7()), working_set.now
    row = {**values, "id": id, "create_time": now, "update_time": now, "version": 1}
    working_set.connection.execute(table.insert(), row)
    return id


def change(working_set: WorkingSet, table: Table, row: Any, values: dict[str, Any]) -> None:
    """Sets columns of a row that was found in this transaction, and with them its etag."""
    working_set.connection.execute(
        table.update()
        .where(table.c.id == row.id)
        .values(**values, update_time=working_set.now, version=row.version + 1)
    )

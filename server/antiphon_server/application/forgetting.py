"""Deleting what need not be remembered any more, a little at a time."""

from sqlalchemy import Select, Table

from antiphon_server.storage.working_set import WorkingSet

#: Rows that go in one transaction, so that no verdict waits long for it.
MAX_FORGOTTEN = 200


def forget(working_set: WorkingSet, table: Table, old: Select[tuple[str]]) -> bool:
    """Deletes the first rows of `table` whose ids `old` gives; says whether there may be more of them."""
    ids = old.limit(MAX_FORGOTTEN)
    deleted = working_set.connection.execute(table.delete().where(table.c.id.in_(ids)))
    return deleted.rowcount == MAX_FORGOTTEN

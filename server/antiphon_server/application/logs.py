"""Storing what runs wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class CreateLogs:
    """Stores lines; those whose id is known are skipped. `rows` are rows of `logs`."""

    rows: Sequence[dict[str, Any]]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        if not self.rows:
            return
        connection, new = working_set.connection, self.rows
        try:
            with connection.begin_nested():
                connection.execute(tables.logs.insert(), new)
        except IntegrityError:
            # Some are known, which is rare: a batch that was stored was sent again. Those who follow logs hear of each
            # line once, so it must be said which ones are new.
            new = _unknown(connection, self.rows)
            if new:
                connection.execute(tables.logs.insert(), new)
        working_set.changes.logs += [(row["id"], row["flow_run_id"]) for row in new]


def _unknown(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows whose ids are not stored, each id once."""
    by_id: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_id.setdefault(row["id"], row)
    for some in chunks(list(by_id)):
        for known in connection.execute(select(tables.logs.c.id).where(tables.logs.c.id.in_(some))).scalars().all():
            del by_id[known]
    return list(by_id.values())

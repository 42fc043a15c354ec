"""Storing what runs wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class CreateLogs:
    """Stores lines; those whose id is known are skipped. `rows` are rows of `logs`."""

    rows: Sequence[dict[str, Any]]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        if not self.rows:
            return
        dialect = sqlite if working_set.connection.dialect.name == "sqlite" else postgresql
        working_set.connection.execute(dialect.insert(tables.logs).on_conflict_do_nothing(), self.rows)

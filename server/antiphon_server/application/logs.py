"""Storing what runs wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

INSERT_NEW = tables.logs.insert().prefix_with("OR IGNORE", dialect="sqlite")


@dataclass(slots=True)
class CreateLogs:
    """Stores lines; those whose id is known are skipped. `rows` are rows of `logs`."""

    rows: Sequence[dict[str, Any]]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        if not self.rows:
            return
        working_set.connection.execute(INSERT_NEW, self.rows)

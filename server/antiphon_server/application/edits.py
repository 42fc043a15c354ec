"""Changing and deleting what is stored, apart from states."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, select
from uuid_utils import uuid7

from antiphon_server.domain.decision import Tell
from antiphon_server.domain.errors import Aborted, NotFound
from antiphon_server.domain.model import RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

#: What may be edited: its table, and the reason given where it is not there.
EDITABLE: dict[str, tuple[Table, str]] = {
    "flow": (tables.flows, "FLOW_NOT_FOUND"),
    "flow run": (tables.flow_runs, "FLOW_RUN_NOT_FOUND"),
    "task run": (tables.task_runs, "TASK_RUN_NOT_FOUND"),
}


def _find(working_set: WorkingSet, what: str, id: str, etag: str) -> tuple[Table, Any]:
    """The row as it is. Raises NotFound, or Aborted (ETAG_MISMATCH) for a stale etag."""
    working_set.flush()
    table, reason = EDITABLE[what]
    row = working_set.connection.execute(table.select().where(table.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(reason, f"there is no {what} {id}; it was never created, or it was deleted")
    if etag and etag != str(row.version):
        raise Aborted(
            "ETAG_MISMATCH",
            f"{what} {id} was changed since (its etag is {row.version}, not {etag}); read it again and decide anew",
        )
    return table, row


@dataclass(slots=True)
class Edit:
    """Sets columns of one row. `values` come from an update mask that was checked."""

    what: str
    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        table, row = _find(working_set, self.what, self.id, self.etag)
        working_set.connection.execute(
            table.update()
            .where(table.c.id == self.id)
            .values(**self.values, update_time=working_set.now, version=row.version + 1)
        )
        if self.what != "flow":
            kind = RunKind.FLOW_RUN if self.what == "flow run" else RunKind.TASK_RUN
            working_set.changes.runs[kind, self.id] = self.id if kind is RunKind.FLOW_RUN else row.flow_run_id
            working_set.reload(kind, [self.id])


@dataclass(slots=True)
class Delete:
    """Deletes one row and all that belongs to it; sessions that hold such a run are told to let go."""

    what: str
    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        _, row = _find(working_set, self.what, self.id, self.etag)
        if self.what == "flow":
            runs = _ids(working_set, tables.flow_runs, tables.flow_runs.c.flow_id == self.id)
            self._flow_runs(working_set, runs)
            working_set.connection.execute(tables.flows.delete().where(tables.flows.c.id == self.id))
            working_set.flow_ids.pop(row.name, None)
        elif self.what == "flow run":
            self._flow_runs(working_set, [self.id])
        else:
            self._runs(working_set, tables.task_runs, tables.logs.c.task_run_id, [self.id])

    def _flow_runs(self, working_set: WorkingSet, ids: Sequence[str]) -> None:
        for id in ids:
            inner = _ids(working_set, tables.task_runs, tables.task_runs.c.flow_run_id == id)
            self._runs(working_set, tables.task_runs, tables.logs.c.task_run_id, inner)
        self._runs(working_set, tables.flow_runs, tables.logs.c.flow_run_id, ids)

    def _runs(self, working_set: WorkingSet, table: Table, log_key: ColumnElement[Any], ids: Sequence[str]) -> None:
        connection = working_set.connection
        field = "flow_run_id" if table is tables.flow_runs else "task_run_id"
        kind = RunKind.FLOW_RUN if table is tables.flow_runs else RunKind.TASK_RUN
        for id in ids:
            holder = connection.execute(select(table.c.session_id).where(table.c.id == id)).scalar_one_or_none()
            connection.execute(tables.transitions.delete().where(tables.transitions.c.run_id == id))
            working_set.end_waits(tables.waits.c.run_id == id)
            connection.execute(tables.logs.delete().where(log_key == id))
            connection.execute(table.delete().where(table.c.id == id))
            working_set.changes.runs[kind, id] = id if kind is RunKind.FLOW_RUN else None
            if holder is not None:
                working_set.add_command(
                    {
                        "id": str(uuid7()),
                        "session_id": holder,
                        "kind": Tell.REVOKE.value,
                        "flow_run_id": None,
                        "task_run_id": None,
                        "reason": f"the {kind.value.replace('_', ' ')} was deleted",
                        "stage": 0,
                        "message": "",
                        "create_time": working_set.now,
                        field: id,
                    }
                )
        working_set.reload(kind, ids)


def _ids(working_set: WorkingSet, table: Table, where: ColumnElement[bool]) -> list[str]:
    return list(working_set.connection.execute(select(table.c.id).where(where)).scalars())


def tags_column(tags: Sequence[str]) -> str:
    return json.dumps(list(tags))

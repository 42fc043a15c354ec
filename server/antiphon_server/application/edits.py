"""Changing and deleting what is stored, apart from states."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete as DeleteRows
from sqlalchemy import select

from antiphon_server.application import rows, transitions
from antiphon_server.application.deployments import delete_deployments_of
from antiphon_server.domain.decision import Tell, TellHolder
from antiphon_server.domain.errors import not_found
from antiphon_server.domain.model import RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

KINDS = {kind.noun: kind for kind in RunKind}
#: What may be edited, and its table.
EDITABLE = {"flow": tables.flows, **{noun: tables.RUNS[kind] for noun, kind in KINDS.items()}}


@dataclass(slots=True)
class Edit:
    """Sets columns of one row. `values` come from an update mask that was checked."""

    what: str
    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        table = EDITABLE[self.what]
        row = rows.find(working_set, table, self.what, self.id, self.etag)
        rows.change(working_set, table, row, self.values)
        kind = KINDS.get(self.what)
        if kind is not None:
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
        row = rows.find(working_set, EDITABLE[self.what], self.what, self.id, self.etag)
        kind = KINDS.get(self.what)
        if kind is not None:
            delete_runs(working_set, kind, [self.id])
            return
        runs = tables.flow_runs
        found = working_set.connection.execute(select(runs.c.id).where(runs.c.flow_id == self.id)).scalars()
        delete_runs(working_set, RunKind.FLOW_RUN, list(found))
        delete_deployments_of(working_set, self.id)
        working_set.connection.execute(tables.flows.delete().where(tables.flows.c.id == self.id))
        working_set.flow_ids.pop(row.name, None)


def delete_runs(working_set: WorkingSet, kind: RunKind, ids: Sequence[str]) -> None:
    """Deletes runs, which must be there, with all that belongs to them. Call `flush` before."""
    for some in chunks(ids):
        if kind is RunKind.FLOW_RUN:
            inner = tables.task_runs
            found = working_set.connection.execute(select(inner.c.id).where(inner.c.flow_run_id.in_(some))).scalars()
            delete_runs(working_set, RunKind.TASK_RUN, list(found))
        _delete_some(working_set, kind, some)


def _delete_some(working_set: WorkingSet, kind: RunKind, ids: Sequence[str]) -> None:
    """Deletes runs and what belongs to them, with few statements however many they are."""
    table, connection = tables.RUNS[kind], working_set.connection
    held = select(table.c.id, table.c.session_id).where(table.c.id.in_(ids), table.c.session_id.is_not(None))
    for id, holder in connection.execute(held).fetchall():
        transitions.tell_holder(working_set, kind, id, TellHolder(holder, Tell.REVOKE, f"the {kind.noun} was deleted"))
    for wait in working_set.waiting.end(tables.waits.c.run_id.in_(ids)):
        gone = not_found(kind.noun, wait.run_id)
        working_set.changes.final_verdicts.append((wait.session_id, wait.sequence, gone))
    holders = select(table.c.id).where(table.c.id.in_(ids), table.c.holds_slots)
    for id in connection.execute(holders).scalars().all():
        working_set.slots.give_back(id)
    for belongings in _belongings(kind, ids):
        connection.execute(belongings)
    working_set.surroundings.forget()  # Their results are not handed out any more.
    connection.execute(table.delete().where(table.c.id.in_(ids)))
    for id in ids:
        working_set.changes.runs[kind, id] = id if kind is RunKind.FLOW_RUN else None
    if kind is RunKind.TASK_RUN:
        working_set.changes.ended_task_runs += ids
    working_set.reload(kind, ids)


def _belongings(kind: RunKind, ids: Sequence[str]) -> Iterator[DeleteRows]:
    """Deletions of what nobody would ask for without the runs."""
    made = select(tables.transitions.c.id).where(tables.transitions.c.run_id.in_(ids))
    yield tables.cache_entries.delete().where(tables.cache_entries.c.id.in_(made))
    yield tables.transitions.delete().where(tables.transitions.c.run_id.in_(ids))
    yield tables.slot_waiters.delete().where(tables.slot_waiters.c.run_id.in_(ids))
    of_run = tables.logs.c.flow_run_id if kind is RunKind.FLOW_RUN else tables.logs.c.task_run_id
    yield tables.logs.delete().where(of_run.in_(ids))
    if kind is RunKind.FLOW_RUN:
        yield tables.flow_run_inputs.delete().where(tables.flow_run_inputs.c.flow_run_id.in_(ids))


def tags_column(tags: Sequence[str]) -> str:
    return json.dumps(list(tags))

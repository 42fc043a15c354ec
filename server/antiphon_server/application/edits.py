"""Changing and deleting what is stored, apart from states."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import rows
from antiphon_server.application.deployment_deletion import delete_deployments_of
from antiphon_server.application.run_deletion import delete_runs
from antiphon_server.domain.model import RetryPolicy, RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.records import encode_retry_policy
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


def retry_policy_column(policy: RetryPolicy | None) -> str | None:
    """A retry policy as its column has it."""
    return encode_retry_policy(policy)


def tags_column(tags: Sequence[str]) -> str:
    return json.dumps(list(tags))

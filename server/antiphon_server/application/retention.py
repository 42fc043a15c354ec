"""Deleting runs and logs that are older than the operator wants to keep, a little at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from antiphon_server.application.forgetting import forget
from antiphon_server.application.run_deletion import delete_runs
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import TERMINAL
from antiphon_server.storage import tables
from antiphon_server.storage.sql_functions import unindexed
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Runs that go in one transaction, and task runs that are in them: so few that no verdict waits long for it.
MOST, MOST_INSIDE = 20, 200


@dataclass(slots=True)
class DeleteOldRuns:
    """Deletes flow runs that ended longer ago than `kept` (microseconds), with their task runs, states and logs, and
    task runs in none. The answer says whether there may be more of them."""

    kept: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        working_set.flush()
        more = self._delete(working_set, RunKind.FLOW_RUN)
        return self._delete(working_set, RunKind.TASK_RUN) or more

    def _delete(self, working_set: WorkingSet, kind: RunKind) -> bool:
        runs, before = tables.RUNS[kind].c, working_set.now - self.kept
        # What was created later has not ended before; and creation has an index, by which few rows are looked at. An
        # index that begins with the state leads to all that are old.
        ended = unindexed(runs.state_type).in_(TERMINAL)
        old = select(runs.id).where(runs.create_time < before, runs.end_time < before, ended)
        if kind is RunKind.TASK_RUN:
            # Nearly all are in flow runs. In the order of the index that knows which they do not lie in the way.
            old = old.where(runs.flow_run_id.is_(None)).order_by(runs.flow_run_id)
        ids = list(working_set.connection.execute(old.order_by(runs.create_time, runs.id).limit(MOST)).scalars())
        if kind is RunKind.FLOW_RUN and _delete_inside(working_set, ids):
            return True
        delete_runs(working_set, kind, ids)
        return len(ids) == MOST


def _delete_inside(working_set: WorkingSet, flow_run_ids: Sequence[str]) -> bool:
    """Deletes task runs of flow runs, as many as go in one transaction; says whether there may be more of them."""
    runs = tables.task_runs.c
    inside = select(runs.id).where(runs.flow_run_id.in_(flow_run_ids)).limit(MOST_INSIDE)
    ids = list(working_set.connection.execute(inside).scalars())
    delete_runs(working_set, RunKind.TASK_RUN, ids)
    return len(ids) == MOST_INSIDE


@dataclass(slots=True)
class DeleteOldLogs:
    """Deletes lines that were written longer ago than `kept` (microseconds). The answer says whether there may be more
    of them."""

    kept: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        logs = tables.logs
        old = select(logs.c.id).where(logs.c.create_time < working_set.now - self.kept)
        return forget(working_set, logs, old.order_by(logs.c.create_time, logs.c.id))

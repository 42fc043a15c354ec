"""How runs of the two families are read, inserted and updated on the hot path."""

from collections.abc import Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from antiphon_server.domain.model import Run, RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.records import (
    CHANGING_FIELDS,
    FLOW_RUN_CHANGING_FIELDS,
    TASK_RUN_CHANGING_FIELDS,
    details_column,
    keys_column,
)
from antiphon_server.storage.statements import Insert, Row, Update

#: Columns whose values are encoded from the run.
_ENCODED = {"state_details": details_column, "pause_keys": keys_column}


class RunWrites:
    """Rows of one family: `fixed` columns are written once, the others with each transition."""

    def __init__(self, table: Any, fixed: Sequence[str], changing: Sequence[str]) -> None:
        self.insert = Insert(table, (*fixed, "id", "create_digest", *changing))
        self.update = Update(table, changing)
        own = [name for name in self.insert.columns if name not in fixed and name not in _ENCODED]
        encoded = [name for name in self.insert.columns if name in _ENCODED]
        self._fixed, self._own = itemgetter(*fixed), attrgetter(*own)
        self._encoders = [_ENCODED[name] for name in encoded]
        there = [*fixed, *own, *encoded]
        self._ordered = itemgetter(*map(there.index, self.insert.columns))
        plain = [name for name in self.update.columns[:-1] if name not in _ENCODED]
        self._plain = attrgetter(*plain)
        #: Where the encoded values go, in rising order.
        self._encoded = [
            (place, _ENCODED[name]) for place, name in enumerate(self.update.columns[:-1]) if name in _ENCODED
        ]

    def inserted(self, run: Run, fixed: dict[str, Any]) -> Row:
        encoded = [encode(run) for encode in self._encoders]
        row: Row = self._ordered((*self._fixed(fixed), *self._own(run), *encoded))
        return row

    def updated(self, run: Run) -> Row:
        row = list(self._plain(run))
        for place, encode in self._encoded:
            row.insert(place, encode(run))
        row.append(run.id)
        return tuple(row)


_FIXED = ("name", "tags", "retry_policy", "priority", "create_time", "traceparent")
RUN_WRITES: Mapping[RunKind, RunWrites] = {
    RunKind.FLOW_RUN: RunWrites(
        tables.flow_runs,
        (
            *_FIXED,
            "flow_id",
            "flow_version",
            "parameters",
            "idempotency_key",
            "parent_task_run_id",
            "deployment_id",
            "work_queue_id",
            "queue_key",
            "worker_affinity",
            "auto_scheduled",
            "schedule_id",
            "operation_id",
            "deployment_version",
            "job_variables",
        ),
        (*CHANGING_FIELDS, *FLOW_RUN_CHANGING_FIELDS),
    ),
    RunKind.TASK_RUN: RunWrites(
        tables.task_runs,
        (*_FIXED, "flow_run_id", "task_key", "dynamic_key", "task_version", "upstream_task_run_ids", "parameters"),
        (*CHANGING_FIELDS, *TASK_RUN_CHANGING_FIELDS),
    ),
}

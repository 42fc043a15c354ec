"""What can be read: for each kind of thing where it lies, what its rows hold and how large they are.

A row of a run has the columns of its table (without what only the write side needs), `state_message`, `state_details`
and `state_data` of the state that holds, and for a flow run `flow_name`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    LargeBinary,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from antiphon_server.storage.filter_sql import Columns
from antiphon_server.storage.sql_functions import blob_bytes, text_bytes
from antiphon_server.storage.tables import (
    flow_run_inputs,
    flow_runs,
    flows,
    logs,
    operations,
    sessions,
    task_runs,
    transitions,
)

#: What a row takes on the wire besides its texts and blobs, in bytes.
_BASE_WEIGHT = 300
_NOT_READ = ("create_digest", "state_has_data", "state_details", "holds_slots", "launcher_session_id", "retry_type")


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of thing that can be got by its id and listed."""

    table: Table
    #: What filters and orders may name.
    columns: Columns
    #: Which rows of the table count; None where all do.
    condition: ColumnElement[bool] | None
    #: About how many bytes a row takes on the wire.
    weight: ColumnElement[int]
    #: Whole rows with `id = :id`, and with `id IN :ids` in any order.
    by_id: Select[Any]
    by_ids: Select[Any]
    #: To select from where a filter asks for a column of another table.
    joined: FromClause | None = None


def _weight(columns: Iterable[Column[Any]]) -> ColumnElement[int]:
    """The bytes of all texts and blobs among `columns`."""
    sizes: list[ColumnElement[int]] = []
    for column in columns:
        if isinstance(column.type, LargeBinary | Text):
            size = blob_bytes(column) if isinstance(column.type, LargeBinary) else text_bytes(column)
            sizes.append(func.coalesce(size, 0) if column.nullable else size)
    return reduce(add, sizes, literal_column(str(_BASE_WEIGHT)))


def _source(
    table: Table, rows: Select[Any], condition: ColumnElement[bool] | None, weight: ColumnElement[int]
) -> Source:
    return Source(
        table=table,
        columns=dict(table.c.items()),
        condition=condition,
        weight=weight,
        by_id=rows.where(table.c.id == bindparam("id")),
        by_ids=rows.where(table.c.id.in_(bindparam("ids", expanding=True))),
    )


def _plain(table: Table) -> Source:
    return _source(table, select(table), None, _weight(table.c))


def _runs(table: Table, *extra: ColumnElement[Any]) -> Source:
    read = [column for column in table.c if column.name not in _NOT_READ]
    state = (transitions.c.message, transitions.c.details, transitions.c.data)
    rows = select(*read, *(column.label(f"state_{column.name}") for column in state), *extra)
    rows = rows.select_from(table.outerjoin(transitions, transitions.c.id == table.c.state_id))
    state_weight = select(_weight(state)).where(transitions.c.id == table.c.state_id).scalar_subquery()
    return _source(table, rows, None, _weight(read) + func.coalesce(state_weight, 0))


def _flow_runs() -> Source:
    flow_name = select(flows.c.name).where(flows.c.id == flow_runs.c.flow_id).scalar_subquery().label("flow_name")
    source = _runs(flow_runs, flow_name)
    return replace(
        source,
        columns={**source.columns, "flow_name": flows.c.name},
        joined=flow_runs.join(flows, flows.c.id == flow_runs.c.flow_id),
    )


def _states() -> Source:
    read = [
        transitions.c[name] for name in ("id", "create_time", "state_type", "state_name", "message", "details", "data")
    ]
    return _source(transitions, select(*read), transitions.c.wrote_state.is_(True), _weight(read))


FLOWS = _plain(flows)
FLOW_RUNS = _flow_runs()
TASK_RUNS = _runs(task_runs)
#: The history of both kinds of runs, by `run_id`.
STATES = _states()
LOGS = _plain(logs)
SESSIONS = _plain(sessions)
OPERATIONS = _plain(operations)
#: Inputs of flow runs have no id but a key in their run; see `Reader.flow_run_inputs`.
INPUT_WEIGHT = _weight(flow_run_inputs.c)

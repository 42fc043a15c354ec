"""What can be read: for each kind of thing where it lies, what its rows hold and how large they are.

A row of a run has the columns of its table (without what only the write side needs), `state_message`, `state_details`
and `state_data` of the state that holds, and for a flow run `flow_name`. A limit has `active_slots` besides its
columns; deployments, work pools and work queues have `concurrency_limit` (NULL without one) and `active_slots`, a
deployment also `flow_name` and a queue `work_pool_name`. Block schemas and documents have `block_type_slug` and
`block_type_name`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    LargeBinary,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from antiphon_server.domain import limit_names
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.work_pools import DEFAULT_QUEUE
from antiphon_server.storage.block_tables import block_documents, block_schemas, block_types
from antiphon_server.storage.deployment_tables import (
    CONTENT,
    HELD,
    WITH_CONTENT,
    calendars,
    deployment_versions,
    schedules,
)
from antiphon_server.storage.filter_sql import Asked, Columns, LookedUp
from antiphon_server.storage.sql_functions import blob_bytes, json_texts, text_bytes
from antiphon_server.storage.tables import (
    commands,
    concurrency_limits,
    deployments,
    flow_run_inputs,
    flow_runs,
    flows,
    logs,
    operations,
    sessions,
    slots,
    task_runs,
    transitions,
    work_pools,
    work_queues,
    workers,
)
from antiphon_server.storage.user_tables import artifacts, variables

#: What a row takes on the wire besides its texts and blobs, in bytes.
_BASE_WEIGHT = 300
_NOT_READ = (
    "create_digest",
    "state_has_data",
    "state_details",
    "holds_slots",
    "launcher_session_id",
    "retry_type",
    "queue_key",
    "queue_time",
    "worker_affinity",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of thing that can be got by its id and listed."""

    table: Table
    #: What filters and orders may name, besides what only filters may, in `looked_up`.
    columns: Columns
    #: Which rows of the table count; None where all do.
    condition: ColumnElement[bool] | None
    #: About how many bytes a row takes on the wire.
    weight: ColumnElement[int]
    #: Whole rows: all of them, with `id = :id`, and with `id IN :ids` in any order.
    rows: Select[Any]
    by_id: Select[Any]
    by_ids: Select[Any]
    #: To select from where a filter asks for a column of another table.
    joined: FromClause | None = None
    looked_up: Mapping[str, LookedUp] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def asked(self) -> Asked:
        """What filters may name."""
        return {**self.columns, **self.looked_up}


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
        rows=rows,
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
    looked_up = {
        "flow_name": LookedUp(flow_runs.c.flow_id, flows.c.name),
        "parent_flow_run_id": LookedUp(flow_runs.c.parent_task_run_id, task_runs.c.flow_run_id),
        "work_queue_name": LookedUp(flow_runs.c.work_queue_id, work_queues.c.name),
    }
    return replace(source, looked_up=looked_up)


def _looked_up(column: Column[Any], *, by: Column[Any]) -> ColumnElement[Any]:
    """`column` of the row of another table whose id is `by`; NULL where there is none."""
    return select(column).where(column.table.c.id == by).correlate(by.table).scalar_subquery()


def _states() -> Source:
    read = [
        transitions.c[name] for name in ("id", "create_time", "state_type", "state_name", "message", "details", "data")
    ]
    return _source(transitions, select(*read), transitions.c.wrote_state.is_(True), _weight(read))


def _active_slots(of: ColumnElement[bool]) -> ColumnElement[int]:
    """The slots in use of the limit that fits `of`."""
    taken = select(func.coalesce(func.sum(slots.c.count), 0))
    taken = taken.select_from(slots.join(concurrency_limits, concurrency_limits.c.id == slots.c.limit_id))
    return taken.where(of).correlate_except(slots, concurrency_limits).scalar_subquery().label("active_slots")


def _limits() -> Source:
    taken = select(func.coalesce(func.sum(slots.c.count), 0)).where(slots.c.limit_id == concurrency_limits.c.id)
    rows = select(concurrency_limits, taken.scalar_subquery().label("active_slots"))
    return _source(concurrency_limits, rows, None, _weight(concurrency_limits.c))


def _limited(table: Table, prefix: str) -> Source:
    """Rows with a limit of their own, whose name is `prefix` and their id."""
    own = concurrency_limits.c.name == prefix + table.c.id
    limit = select(concurrency_limits.c.slots).where(own).correlate(table).scalar_subquery()
    rows = select(table, limit.label("concurrency_limit"), _active_slots(own))
    source = _source(table, rows, None, _weight(table.c))
    return replace(source, columns={**source.columns, "concurrency_limit": limit})


def _named_with(source: Source, table: Table, key: Column[Any], label: str) -> Source:
    """`source` with the name of the row in `table` to which `key` points."""
    joined = source.table.join(table, table.c.id == key)
    rows = source.rows.add_columns(table.c.name.label(label)).select_from(joined)
    named = _source(source.table, rows, None, source.weight)
    return replace(named, columns={**source.columns, label: table.c.name}, joined=joined)


def _deployments() -> Source:
    """With the name of the flow, the content of the version that holds, and the names of work queue and pool. The
    schedules, which are read beside it, are part of its weight."""
    limited = _limited(deployments, limit_names.DEPLOYMENT)
    queue_name = _looked_up(work_queues.c.name, by=deployments.c.work_queue_id)
    pool = work_queues.join(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    of_pool = select(work_pools.c.name).select_from(pool).where(work_queues.c.id == deployments.c.work_queue_id)
    pool_name = of_pool.correlate(deployments).scalar_subquery()
    names: dict[str, ColumnElement[Any]] = {
        "flow_name": flows.c.name,
        "work_queue_name": queue_name,
        "work_pool_name": pool_name,
    }
    rows = limited.rows.add_columns(*CONTENT, *(column.label(name) for name, column in names.items()))
    theirs = select(cast(func.sum(_weight(schedules.c)), BigInteger)).where(
        schedules.c.deployment_id == deployments.c.id
    )
    weight = limited.weight + select(_weight(CONTENT)).where(HELD).correlate(deployments).scalar_subquery()
    weight += func.coalesce(theirs.correlate(deployments).scalar_subquery(), 0)
    source = _source(deployments, rows.select_from(WITH_CONTENT), None, weight)
    columns = {**limited.columns, **names, "version_name": deployment_versions.c.version_name}
    return replace(source, columns=columns, joined=WITH_CONTENT)


def _schedules() -> Source:
    """With the time at which the first of its runs that wait is to start."""
    waiting = select(func.min(flow_runs.c.next_scheduled_start_time)).where(flow_runs.c.schedule_id == schedules.c.id)
    rows = select(schedules, waiting.correlate(schedules).scalar_subquery().label("next_time"))
    return _source(schedules, rows, None, _weight(schedules.c))


#: Of a worker that is there.
_online = workers.join(sessions, (sessions.c.id == workers.c.session_id) & (sessions.c.status == SessionStatus.ACTIVE))


def _work_pools() -> Source:
    """With the queue that the pool was made with, and whether a worker is there."""
    source = _limited(work_pools, limit_names.WORK_POOL)
    first = select(work_queues.c.id).where(
        work_queues.c.work_pool_id == work_pools.c.id, work_queues.c.name == DEFAULT_QUEUE
    )
    served = select(workers.c.id).select_from(_online).where(workers.c.work_pool_id == work_pools.c.id)
    rows = source.rows.add_columns(
        first.correlate(work_pools).scalar_subquery().label("default_work_queue_id"),
        served.correlate(work_pools).exists().label("served"),
    )
    return replace(_source(work_pools, rows, None, source.weight), columns=source.columns)


def _work_queues() -> Source:
    """With the name of the pool, whether that is paused, and whether a worker of the queue is there."""
    source = _named_with(
        _limited(work_queues, limit_names.WORK_QUEUE), work_pools, work_queues.c.work_pool_id, "work_pool_name"
    )
    named = json_texts(workers.c.queue_names).table_valued("value")
    of_queue = select(named.c.value).where(named.c.value == work_queues.c.name).correlate(workers, work_queues)
    takes = (workers.c.queue_names == "[]") | of_queue.exists()
    served = select(workers.c.id).select_from(_online)
    served = served.where(workers.c.work_pool_id == work_queues.c.work_pool_id, takes)
    rows = source.rows.add_columns(
        work_pools.c.paused.label("pool_paused"), served.correlate(work_queues).exists().label("served")
    )
    return replace(_source(work_queues, rows, None, source.weight), columns=source.columns, joined=source.joined)


def _workers() -> Source:
    """With the name of the pool, whether the worker is there, and until when its lease holds."""
    joined = workers.join(work_pools, work_pools.c.id == workers.c.work_pool_id).outerjoin(
        sessions, sessions.c.id == workers.c.session_id
    )
    online = func.coalesce(sessions.c.status == SessionStatus.ACTIVE, False)
    rows = select(
        workers,
        work_pools.c.name.label("work_pool_name"),
        online.label("online"),
        sessions.c.expire_time.label("lease_time"),
    ).select_from(joined)
    source = _source(workers, rows, None, _weight(workers.c))
    return replace(
        source, columns={**source.columns, "work_pool_name": work_pools.c.name, "online": online}, joined=joined
    )


def _artifacts(*, latest: bool, with_data: bool) -> Source:
    """Artifacts, or those that are the latest with their key."""
    read = [column for column in artifacts.c if with_data or column.name != "data"]
    condition = artifacts.c.latest_key.is_not(None) if latest else None
    return _source(artifacts, select(*read), condition, _weight(read))


def _of_block_type(table: Table) -> Source:
    """Rows that belong to a block type, with its slug and its name."""
    slug, name = block_types.c.slug, block_types.c.name
    joined = table.join(block_types, block_types.c.id == table.c.block_type_id)
    rows = select(table, slug.label("block_type_slug"), name.label("block_type_name")).select_from(joined)
    source = _source(table, rows, None, _weight(table.c))
    return replace(source, columns={**source.columns, "block_type_slug": slug}, joined=joined)


FLOWS = _plain(flows)
FLOW_RUNS = _flow_runs()
TASK_RUNS = _runs(task_runs)
#: The history of both kinds of runs, by `run_id`.
STATES = _states()
LOGS = _plain(logs)
SESSIONS = _plain(sessions)
#: What sessions were told about flow runs, by `flow_run_id`.
COMMANDS = _plain(commands)
OPERATIONS = _plain(operations)
CONCURRENCY_LIMITS = _limits()
DEPLOYMENTS = _deployments()
#: What a deployment was, by `deployment_id`.
DEPLOYMENT_VERSIONS = _plain(deployment_versions)
SCHEDULES = _schedules()
CALENDARS = _plain(calendars)
WORK_POOLS = _work_pools()
WORK_QUEUES = _work_queues()
WORKERS = _workers()
ARTIFACTS = _artifacts(latest=False, with_data=True)
ARTIFACTS_WITHOUT_DATA = _artifacts(latest=False, with_data=False)
LATEST_ARTIFACTS = _artifacts(latest=True, with_data=True)
LATEST_ARTIFACTS_WITHOUT_DATA = _artifacts(latest=True, with_data=False)
VARIABLES = _plain(variables)
BLOCK_TYPES = _plain(block_types)
BLOCK_SCHEMAS = _of_block_type(block_schemas)
BLOCK_DOCUMENTS = _of_block_type(block_documents)
#: Inputs of flow runs have no id but a key in their run; see `Reader.flow_run_inputs`.
INPUT_WEIGHT = _weight(flow_run_inputs.c)

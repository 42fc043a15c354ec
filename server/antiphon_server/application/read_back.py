"""Rows as readers will see them once the transaction at hand is committed, for the answers to mutations."""

from typing import Any

from antiphon_server.storage.sources import (
    ARTIFACTS,
    ARTIFACTS_WITHOUT_DATA,
    BLOCK_DOCUMENTS,
    BLOCK_SCHEMAS,
    BLOCK_TYPES,
    CALENDARS,
    CONCURRENCY_LIMITS,
    DEPLOYMENTS,
    FLOW_RUNS,
    FLOWS,
    OPERATIONS,
    SCHEDULES,
    TASK_RUNS,
    VARIABLES,
    WORK_POOLS,
    WORK_QUEUES,
    Source,
)
from antiphon_server.storage.working_set import WorkingSet


def flow(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, FLOWS, id)


def flow_run(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, FLOW_RUNS, id)


def task_run(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, TASK_RUNS, id)


def operation(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, OPERATIONS, id)


def concurrency_limit(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, CONCURRENCY_LIMITS, id)


def deployment(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, DEPLOYMENTS, id)


def schedules_of(working_set: WorkingSet, deployment_id: str) -> Any:
    """The schedules of a deployment, by their creation."""
    working_set.flush()
    table = SCHEDULES.table
    statement = SCHEDULES.rows.where(table.c.deployment_id == deployment_id)
    return working_set.connection.execute(statement.order_by(table.c.create_time, table.c.id)).all()


def schedule(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, SCHEDULES, id)


def calendar(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, CALENDARS, id)


def work_pool(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, WORK_POOLS, id)


def work_queue(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, WORK_QUEUES, id)


def artifact(working_set: WorkingSet, id: str, *, with_data: bool) -> Any:
    return _row(working_set, ARTIFACTS if with_data else ARTIFACTS_WITHOUT_DATA, id)


def variable(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, VARIABLES, id)


def block_type(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, BLOCK_TYPES, id)


def block_schema(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, BLOCK_SCHEMAS, id)


def block_document(working_set: WorkingSet, id: str) -> Any:
    return _row(working_set, BLOCK_DOCUMENTS, id)


def _row(working_set: WorkingSet, source: Source, id: str) -> Any:
    return working_set.connection.execute(source.by_id, {"id": id}).one()

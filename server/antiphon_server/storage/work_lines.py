"""Runs that wait for a worker, in the order in which they are handed out.

A line holds those that the same workers may take: task runs by their task, flow runs by their work queue (or their
deployment, where they are in none) and the affinity that they ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, and_, func, literal, select

from antiphon_server.domain import limit_names
from antiphon_server.storage.sql_functions import greater
from antiphon_server.storage.tables import (
    concurrency_limits,
    deployments,
    flow_runs,
    slots,
    task_runs,
    work_pools,
    work_queues,
)


@dataclass(frozen=True, slots=True, order=True)
class Queued:
    """A run that waits. Those that come first are the lesser ones."""

    #: The priority, negated.
    rank: int
    time: int
    id: str


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one family of runs; each has an index of its own."""

    table: Table
    #: What a line has in common.
    key: Sequence[Column[Any]]
    #: What keeps a run from being taken though it waits; None where nothing does.
    open: ColumnElement[bool] | None = None

    def _of(self, key: Sequence[str]) -> ColumnElement[bool]:
        return and_(*(column == value for column, value in zip(self.key, key, strict=True)))

    def priorities(self, key: Sequence[str], below: int | None) -> Select[Any]:
        """The highest priority below another one at which runs of a line wait, due or not. One look into an index each:
        those that are not due yet may be many."""
        runs = self.table.c
        query = select(func.max(runs.priority)).where(self._of(key), runs.queue_time.is_not(None))
        return query if below is None else query.where(runs.priority < below)

    def due(self, key: Sequence[str], priority: int, now: int, limit: int) -> Select[Any]:
        """Time and id of those runs of one priority that may be taken."""
        runs = self.table.c
        query = select(runs.queue_time, runs.id)
        query = query.where(self._of(key), runs.priority == priority, runs.queue_time <= now)
        if self.open is not None:
            query = query.where(self.open)
        return query.order_by(runs.queue_time, runs.id).limit(limit)

    def next_due(self, key: Sequence[str], now: int) -> Select[Any]:
        """When the first of the runs of a line may be taken that may not be now."""
        runs = self.table.c
        return select(func.min(runs.queue_time)).where(self._of(key), runs.queue_time > now)


TASK_RUNS = Lines(task_runs, (task_runs.c.task_key,))
_there = deployments.c.id == flow_runs.c.deployment_id
# Of a paused deployment only what somebody asked for is run.
_gives_work = select(deployments.c.id).where(_there, ~(flow_runs.c.auto_scheduled & deployments.c.paused))
FLOW_RUNS = Lines(
    flow_runs,
    (flow_runs.c.queue_key, flow_runs.c.worker_affinity),
    # Nobody knows how to run what is left of a deployment that was deleted.
    flow_runs.c.deployment_id.is_(None) | _gives_work.correlate(flow_runs).exists(),
)


def next_affinity(queue_key: str, after: str | None) -> Select[Any]:
    """The next affinity that flow runs of a queue ask for, in the order of their texts; one look into an index each."""
    runs = flow_runs.c
    query = select(func.min(runs.worker_affinity)).where(runs.queue_key == queue_key, runs.queue_time.is_not(None))
    return query if after is None else query.where(runs.worker_affinity > after)


@dataclass(frozen=True, slots=True)
class OpenQueue:
    """A work queue from which workers may take."""

    id: str
    name: str
    #: 1 is served first.
    priority: int
    #: How many runs more may be taken from it, and from its pool; None where that is not limited.
    room: int | None
    pool_room: int | None


def open_queues(pool_id: str) -> Select[Any]:
    """The columns of `OpenQueue` of the queues of a pool that are not paused; none where the pool is."""
    query = select(
        work_queues.c.id,
        work_queues.c.name,
        work_queues.c.priority,
        _room(limit_names.WORK_QUEUE + work_queues.c.id),
        _room(limit_names.WORK_POOL + work_pools.c.id),
    )
    query = query.join_from(work_queues, work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    return query.where(work_pools.c.id == pool_id, ~work_pools.c.paused, ~work_queues.c.paused)


def _room(name: ColumnElement[str]) -> ColumnElement[int | None]:
    """The free slots of the limit of this name, 0 where more are taken than it has now; NULL where there is none that
    counts."""
    taken = select(func.coalesce(func.sum(slots.c.count), 0)).where(slots.c.limit_id == concurrency_limits.c.id)
    free = concurrency_limits.c.slots - taken.correlate(concurrency_limits).scalar_subquery()
    query = select(greater(free, literal(0))).where(concurrency_limits.c.name == name, concurrency_limits.c.active)
    return query.correlate(work_queues, work_pools).scalar_subquery()

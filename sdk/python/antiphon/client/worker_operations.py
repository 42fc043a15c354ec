"""Workers, and the runs that wait for them."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from antiphon.client import listings
from antiphon.client.conversions.runs import flow_run_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.conversions.work import worker_from
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import DEFAULT_LIMIT, read_all, whole
from antiphon.client.schemas.filters import Operator, WorkerFilter
from antiphon.client.schemas.objects import FlowRun, Worker
from antiphon.client.schemas.responses import WorkerFlowRunResponse
from antiphon.client.waiting_runs import waiting_runs
from antiphon.client.work_queue_lookup import find_pool, find_queue
from antiphon.engine.dual import Work

__all__ = ["WorkerOperations"]


class WorkerOperations(ClientBase):
    """Who takes the runs of work pools, and what there is to take. Nothing is taken by these calls."""

    @operation
    def read_workers_for_work_pool(
        self,
        work_pool_name: str,
        worker_filter: WorkerFilter | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> Work[list[Worker]]:
        """Return the workers of a pool that fit the filter, newest first; at most `limit` (None is 200) behind
        `offset`. Raises ObjectNotFound."""
        pool = yield from find_pool(self, work_pool_name)
        listing = listings.WORKERS
        request = listing.request(filter=equals("work_pool_id", [UUID(pool.id)]))
        found = yield from read_all(self, listing.method, request, listing.response, listing.items)
        fitting = [each for each in map(worker_from, found) if worker_filter is None or _fits(each, worker_filter)]
        start = whole("offset", offset or 0)
        return fitting[start : start + whole("limit", DEFAULT_LIMIT if limit is None else limit)]

    @operation
    def get_scheduled_flow_runs_for_work_pool(
        self,
        work_pool_name: str,
        work_queue_names: list[str] | None = None,
        scheduled_before: datetime | None = None,
    ) -> Work[list[WorkerFlowRunResponse]]:
        """Return the runs of a pool, or of these queues of it, that are SCHEDULED for a time until `scheduled_before`,
        the next one first; 200 at most. Raises ObjectNotFound for an unknown pool or queue."""
        pool = yield from find_pool(self, work_pool_name)
        if work_queue_names is None:
            text = equals("work_pool_id", [UUID(pool.id)])
            queues = yield from listings.list_messages(self, listings.WORK_QUEUES, text)
        else:
            queues = []
            for name in work_queue_names:
                queues.append((yield from find_queue(self, work_pool_name, name)))
        where = equals("work_queue_id", [UUID(each.id) for each in queues])
        runs = yield from waiting_runs(self, where, scheduled_before, None)
        return [
            WorkerFlowRunResponse(
                work_pool_id=UUID(pool.id), work_queue_id=UUID(each.work_queue_id), flow_run=flow_run_from(each)
            )
            for each in runs
        ]

    @operation
    def get_runs_in_work_queue(
        self, id: UUID | str, limit: int = 10, scheduled_before: datetime | None = None
    ) -> Work[list[FlowRun]]:
        """Return at most `limit` runs of a queue that are SCHEDULED for a time until `scheduled_before`, the next one
        first."""
        where = equals("work_queue_id", [UUID(uuid_text(id))])
        return list(map(flow_run_from, (yield from waiting_runs(self, where, scheduled_before, limit))))


def _fits(worker: Worker, wanted: WorkerFilter) -> bool:
    checks = list(_checks(worker, wanted))
    return (any if wanted.operator is Operator.or_ and checks else all)(checks)


def _checks(worker: Worker, wanted: WorkerFilter) -> Iterator[bool]:
    if wanted.status is not None:
        if wanted.status.any_ is not None:
            yield worker.status in wanted.status.any_
        if wanted.status.not_any_ is not None:
            yield worker.status not in wanted.status.not_any_
    if wanted.last_heartbeat_time is not None:
        heard, bounds = worker.last_heartbeat_time, wanted.last_heartbeat_time
        if bounds.before_ is not None:
            yield heard is not None and heard <= bounds.before_
        if bounds.after_ is not None:
            yield heard is not None and heard >= bounds.after_

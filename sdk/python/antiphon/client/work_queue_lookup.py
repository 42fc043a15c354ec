"""Work pools, and work queues of runs and deployments, found by their names or ids."""

from collections.abc import Iterable
from uuid import UUID

from antiphon.client import listings
from antiphon.client.arguments import required
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase
from antiphon.engine.dual import Work
from antiphon.v1 import work_pool_pb2
from antiphon.v1.work_pool_service_pb2 import (
    GetWorkPoolRequest,
    GetWorkPoolResponse,
    GetWorkQueueRequest,
    GetWorkQueueResponse,
    WorkQueueName,
)

__all__ = ["find_pool", "find_queue", "queue_id", "queues_by_id"]

#: Ids that fit one filter.
_CHUNK = 100


def find_pool(client: ClientBase, name: str) -> Work[work_pool_pb2.WorkPool]:
    """Gives a pool by its name. Raises ObjectNotFound."""
    request = GetWorkPoolRequest(name=name)
    answer = yield from client.call(lambda services: services.work_pools.GetWorkPool, request, GetWorkPoolResponse)
    return answer.work_pool


def find_queue(client: ClientBase, pool: str, queue: str) -> Work[work_pool_pb2.WorkQueue]:
    """Gives a queue by its name and that of its pool. Raises ObjectNotFound."""
    request = GetWorkQueueRequest(name=WorkQueueName(work_pool_name=pool, name=queue))
    answer = yield from client.call(lambda services: services.work_pools.GetWorkQueue, request, GetWorkQueueResponse)
    return answer.work_queue


def queue_id(client: ClientBase, pool: str | None, queue: str | None) -> Work[str]:
    """Gives the id of the queue that a person named, that of the pool's first one where they named a pool only; empty
    where they named neither.

    Raises ValueError for a queue without its pool, ObjectNotFound.
    """
    if pool is None and queue is None:
        return ""
    pool = required("work_pool_name", pool, "queues of several pools may have one name.")
    if queue is None:
        first = yield from find_pool(client, pool)
        return first.default_work_queue_id
    found = yield from find_queue(client, pool, queue)
    return found.id


def queues_by_id(client: ClientBase, ids: Iterable[str]) -> Work[dict[str, work_pool_pb2.WorkQueue]]:
    """Gives the queues with these ids, by id. Those that are gone, and empty ids, are left out."""
    wanted = [UUID(each) for each in dict.fromkeys(ids) if each]
    found: dict[str, work_pool_pb2.WorkQueue] = {}
    for start in range(0, len(wanted), _CHUNK):
        text = equals("id", wanted[start : start + _CHUNK])
        queues = yield from listings.list_messages(client, listings.WORK_QUEUES, text)
        found.update((each.id, each) for each in queues)
    return found

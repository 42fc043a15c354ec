"""Work pools and their queues."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from antiphon.annotations import NotSet
from antiphon.client import listings
from antiphon.client.arguments import required
from antiphon.client.conversions.values import uuid_text
from antiphon.client.conversions.work import work_pool_from, work_queue_from
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate, WorkQueueUpdate
from antiphon.client.schemas.filters import (
    WorkPoolFilter,
    WorkPoolFilterName,
    WorkQueueFilter,
    WorkQueueFilterName,
)
from antiphon.client.schemas.objects import WorkPool, WorkQueue
from antiphon.client.work_queue_lookup import find_pool, find_queue
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectAlreadyExists
from antiphon.json_payloads import json_payload
from antiphon.v1 import work_pool_pb2
from antiphon.v1.work_pool_service_pb2 import (
    CreateWorkPoolRequest,
    CreateWorkPoolResponse,
    CreateWorkQueueRequest,
    CreateWorkQueueResponse,
    DeleteWorkPoolRequest,
    DeleteWorkPoolResponse,
    DeleteWorkQueueRequest,
    DeleteWorkQueueResponse,
    GetWorkQueueRequest,
    GetWorkQueueResponse,
    UpdateWorkPoolRequest,
    UpdateWorkPoolResponse,
    UpdateWorkQueueRequest,
    UpdateWorkQueueResponse,
)

__all__ = ["WorkPoolOperations"]

_WHICH_POOL = "a queue is one of a work pool."
#: What an update may take away by giving None.
_MAY_BE_NONE = "concurrency_limit"


#: What a pool becomes that is overwritten.
_OVERWRITTEN = ["type", "paused", "concurrency_limit", "description", "base_job_template"]


class WorkPoolOperations(ClientBase):
    """Where workers find their work: pools, and the queues in them."""

    @operation
    def create_work_pool(self, work_pool: WorkPoolCreate, overwrite: bool = False) -> Work[WorkPool]:
        """Make a work pool, and return it. With `overwrite` one of this name is changed instead.

        Raises ObjectAlreadyExists, SerializationError for a `base_job_template` that JSON cannot say.
        """
        message = work_pool_pb2.WorkPool(
            name=work_pool.name,
            type=work_pool.type,
            paused=work_pool.is_paused,
            description=work_pool.description or "",
            base_job_template=_template_text(work_pool.base_job_template),
        )
        if work_pool.concurrency_limit is not None:
            message.concurrency_limit = work_pool.concurrency_limit
        request = CreateWorkPoolRequest(work_pool=message)
        try:
            answer = yield from self.call(
                lambda services: services.work_pools.CreateWorkPool, request, CreateWorkPoolResponse
            )
            return work_pool_from(answer.work_pool)
        except ObjectAlreadyExists:
            if not overwrite:
                raise
        message.id = (yield from find_pool(self, work_pool.name)).id
        return (yield from _change_pool(self, message, _OVERWRITTEN))

    @operation
    def read_work_pool(self, work_pool_name: str) -> Work[WorkPool]:
        """Return a work pool. Raises ObjectNotFound."""
        return work_pool_from((yield from find_pool(self, work_pool_name)))

    @operation
    def read_work_pools(
        self, limit: int | None = None, offset: int = 0, work_pool_filter: WorkPoolFilter | None = None
    ) -> Work[list[WorkPool]]:
        """Return the work pools that fit the filter, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = {listings.WORK_POOLS: work_pool_filter}
        text = yield from listings.condition(self, listings.WORK_POOLS, filters)
        page = listings.list_messages(self, listings.WORK_POOLS, text, limit=limit, offset=offset)
        return list(map(work_pool_from, (yield from page)))

    @operation
    def update_work_pool(self, work_pool_name: str, work_pool: WorkPoolUpdate) -> Work[None]:
        """Change what was given to `WorkPoolUpdate`; a limit that was given as None is taken away.

        Raises ObjectNotFound, SerializationError for a `base_job_template` that JSON cannot say.
        """
        found = yield from find_pool(self, work_pool_name)
        message = work_pool_pb2.WorkPool(id=found.id, name=found.name, type=found.type)
        paths = _write(message, work_pool.model_dump(exclude_unset=True))
        if paths:
            yield from _change_pool(self, message, paths)

    @operation
    def delete_work_pool(self, work_pool_name: str) -> Work[None]:
        """Delete a work pool with its queues; runs in them stay. Raises ObjectNotFound."""
        request = DeleteWorkPoolRequest(id=(yield from find_pool(self, work_pool_name)).id)
        yield from self.call(lambda services: services.work_pools.DeleteWorkPool, request, DeleteWorkPoolResponse)

    @operation
    def create_work_queue(
        self,
        name: str,
        description: str | None = None,
        is_paused: bool | None = None,
        concurrency_limit: int | None = None,
        priority: int | None = None,
        work_pool_name: str | None = None,
    ) -> Work[WorkQueue]:
        """Make a queue of a work pool, and return it. Without a `priority` it comes behind all others.

        Raises ValueError without a pool, ObjectNotFound for an unknown one, ObjectAlreadyExists.
        """
        pool = yield from find_pool(self, required("work_pool_name", work_pool_name, _WHICH_POOL))
        message = work_pool_pb2.WorkQueue(
            work_pool_id=pool.id,
            name=name,
            description=description or "",
            paused=bool(is_paused),
            priority=priority or 0,
        )
        if concurrency_limit is not None:
            message.concurrency_limit = concurrency_limit
        request = CreateWorkQueueRequest(work_queue=message)
        answer = yield from self.call(
            lambda services: services.work_pools.CreateWorkQueue, request, CreateWorkQueueResponse
        )
        return work_queue_from(answer.work_queue)

    @operation
    def read_work_queue(self, id: UUID | str) -> Work[WorkQueue]:
        """Return a queue. Raises ObjectNotFound."""
        return work_queue_from((yield from _get_queue(self, id)))

    @operation
    def read_work_queue_by_name(self, name: str, work_pool_name: str | None = None) -> Work[WorkQueue]:
        """Return a queue of a work pool. Raises ValueError without a pool, ObjectNotFound."""
        pool = required("work_pool_name", work_pool_name, _WHICH_POOL)
        return work_queue_from((yield from find_queue(self, pool, name)))

    @operation
    def read_work_queues(
        self,
        work_pool_name: str | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Work[list[WorkQueue]]:
        """Return the queues that fit the filter, of one pool or of all, newest first; at most `limit` (None is 200)
        behind `offset`."""
        return (yield from _queues(self, work_pool_name, work_queue_filter, limit, offset))

    @operation
    def match_work_queues(self, prefixes: Sequence[str], work_pool_name: str | None = None) -> Work[list[WorkQueue]]:
        """Return the queues whose names begin with one of `prefixes`, of one pool or of all."""
        wanted = WorkQueueFilter(name=WorkQueueFilterName(startswith_=list(prefixes)))
        return (yield from _queues(self, work_pool_name, wanted, None, None))

    @operation
    def update_work_queue(
        self,
        id: UUID | str,
        *,
        name: str | type[NotSet] = NotSet,
        description: str | type[NotSet] | None = NotSet,
        is_paused: bool | type[NotSet] = NotSet,
        concurrency_limit: int | type[NotSet] | None = NotSet,
        priority: int | type[NotSet] = NotSet,
    ) -> Work[None]:
        """Change what is given; a limit that is given as None is taken away.

        Raises ValidationError for values out of range, ObjectNotFound.
        """
        given = {
            "name": name,
            "description": description,
            "is_paused": is_paused,
            "concurrency_limit": concurrency_limit,
            "priority": priority,
        }
        wanted = WorkQueueUpdate.model_validate({key: each for key, each in given.items() if each is not NotSet})
        found = yield from _get_queue(self, id)
        message = work_pool_pb2.WorkQueue(id=found.id, name=found.name, work_pool_id=found.work_pool_id)
        paths = _write(message, wanted.model_dump(exclude_unset=True))
        if paths:
            request = UpdateWorkQueueRequest(work_queue=message, update_mask={"paths": paths})
            yield from self.call(lambda services: services.work_pools.UpdateWorkQueue, request, UpdateWorkQueueResponse)

    @operation
    def delete_work_queue_by_id(self, id: UUID | str) -> Work[None]:
        """Delete a queue; runs in it stay. Raises ObjectNotFound."""
        request = DeleteWorkQueueRequest(id=uuid_text(id))
        yield from self.call(lambda services: services.work_pools.DeleteWorkQueue, request, DeleteWorkQueueResponse)


def _change_pool(client: ClientBase, message: work_pool_pb2.WorkPool, paths: list[str]) -> Work[WorkPool]:
    request = UpdateWorkPoolRequest(work_pool=message, update_mask={"paths": paths})
    answer = yield from client.call(
        lambda services: services.work_pools.UpdateWorkPool, request, UpdateWorkPoolResponse
    )
    return work_pool_from(answer.work_pool)


def _get_queue(client: ClientBase, id: UUID | str) -> Work[work_pool_pb2.WorkQueue]:
    request = GetWorkQueueRequest(id=uuid_text(id))
    answer = yield from client.call(lambda services: services.work_pools.GetWorkQueue, request, GetWorkQueueResponse)
    return answer.work_queue


def _queues(
    client: ClientBase, pool: str | None, wanted: WorkQueueFilter | None, limit: int | None, offset: int | None
) -> Work[list[WorkQueue]]:
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])) if pool is not None else None
    filters = {listings.WORK_QUEUES: wanted, listings.WORK_POOLS: in_pool}
    text = yield from listings.condition(client, listings.WORK_QUEUES, filters)
    page = listings.list_messages(client, listings.WORK_QUEUES, text, limit=limit, offset=offset)
    return list(map(work_queue_from, (yield from page)))


def _write(message: work_pool_pb2.WorkPool | work_pool_pb2.WorkQueue, given: dict[str, Any]) -> list[str]:
    """Puts what was given into a message, and returns the paths of it. Only a limit may be given as None."""
    paths: list[str] = []
    for name, value in given.items():
        path = "paused" if name == "is_paused" else name
        if value is not None:
            setattr(message, path, _template_text(value) if path == "base_job_template" else value)
        if value is not None or path == _MAY_BE_NONE:
            paths.append(path)
    return paths


def _template_text(template: dict[str, Any]) -> str:
    """Empty leaves it to the server. Raises SerializationError."""
    return json_payload(template, "base_job_template").data.decode() if template else ""

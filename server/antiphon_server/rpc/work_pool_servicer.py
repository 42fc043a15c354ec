"""WorkPoolService, loaded on demand."""

from typing import Any

from antiphon.v1 import work_pool_pb2, work_pool_service_pb2_grpc
from antiphon.v1 import work_pool_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.work_pools import DeleteWorkPool, DeleteWorkQueue
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.work_pool_conversions import (
    create_work_pool_from,
    create_work_queue_from,
    update_work_pool_from,
    update_work_queue_from,
    work_pool_message,
    work_queue_message,
)
from antiphon_server.rpc.work_reads import WorkReads


class WorkPoolServicer(work_pool_service_pb2_grpc.WorkPoolServiceServicer):
    def __init__(self, core: Core, reads: WorkReads) -> None:
        self._core = core
        self._reads = reads

    async def CreateWorkPool(self, request: pb.CreateWorkPoolRequest, context: Any) -> pb.CreateWorkPoolResponse:
        return await mutate(
            self._core,
            request,
            create_work_pool_from(request.work_pool),
            pb.CreateWorkPoolResponse,
            lambda working_set, id: pb.CreateWorkPoolResponse(work_pool=_stored_pool(working_set, id)),
        )

    async def GetWorkPool(self, request: pb.GetWorkPoolRequest, context: Any) -> pb.GetWorkPoolResponse:
        return await self._reads.get_work_pool(request)

    async def ListWorkPools(self, request: pb.ListWorkPoolsRequest, context: Any) -> pb.ListWorkPoolsResponse:
        return await self._reads.list_work_pools(request)

    async def UpdateWorkPool(self, request: pb.UpdateWorkPoolRequest, context: Any) -> pb.UpdateWorkPoolResponse:
        update = update_work_pool_from(request)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateWorkPoolResponse,
            lambda working_set, _: pb.UpdateWorkPoolResponse(work_pool=_stored_pool(working_set, update.id)),
        )

    async def DeleteWorkPool(self, request: pb.DeleteWorkPoolRequest, context: Any) -> pb.DeleteWorkPoolResponse:
        return await mutate(
            self._core,
            request,
            DeleteWorkPool(request.id.lower(), request.etag),
            pb.DeleteWorkPoolResponse,
            lambda *_: pb.DeleteWorkPoolResponse(),
        )

    async def CreateWorkQueue(self, request: pb.CreateWorkQueueRequest, context: Any) -> pb.CreateWorkQueueResponse:
        return await mutate(
            self._core,
            request,
            create_work_queue_from(request.work_queue),
            pb.CreateWorkQueueResponse,
            lambda working_set, id: pb.CreateWorkQueueResponse(work_queue=_stored_queue(working_set, id)),
        )

    async def GetWorkQueue(self, request: pb.GetWorkQueueRequest, context: Any) -> pb.GetWorkQueueResponse:
        return await self._reads.get_work_queue(request)

    async def ListWorkQueues(self, request: pb.ListWorkQueuesRequest, context: Any) -> pb.ListWorkQueuesResponse:
        return await self._reads.list_work_queues(request)

    async def UpdateWorkQueue(self, request: pb.UpdateWorkQueueRequest, context: Any) -> pb.UpdateWorkQueueResponse:
        update = update_work_queue_from(request)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateWorkQueueResponse,
            lambda working_set, _: pb.UpdateWorkQueueResponse(work_queue=_stored_queue(working_set, update.id)),
        )

    async def DeleteWorkQueue(self, request: pb.DeleteWorkQueueRequest, context: Any) -> pb.DeleteWorkQueueResponse:
        return await mutate(
            self._core,
            request,
            DeleteWorkQueue(request.id.lower(), request.etag),
            pb.DeleteWorkQueueResponse,
            lambda *_: pb.DeleteWorkQueueResponse(),
        )


def _stored_pool(working_set: WorkingSet, id: str) -> work_pool_pb2.WorkPool:
    """The pool as readers will see it once this transaction is committed."""
    return work_pool_message(read_back.work_pool(working_set, id))


def _stored_queue(working_set: WorkingSet, id: str) -> work_pool_pb2.WorkQueue:
    """The queue as readers will see it once this transaction is committed."""
    return work_queue_message(read_back.work_queue(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    work_pool_service_pb2_grpc.add_WorkPoolServiceServicer_to_server(
        WorkPoolServicer(parts.core, WorkReads(parts.queries)), server
    )

"""OperationService."""

from typing import Any

from antiphon.v1 import operation_service_pb2 as pb
from antiphon.v1 import operation_service_pb2_grpc
from antiphon_server.application import read_back
from antiphon_server.application.bulk import CancelBulk
from antiphon_server.application.core import Core
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.operation_messages import operation_message
from antiphon_server.rpc.operation_watching import OperationWatches
from antiphon_server.rpc.reads import Reads


class OperationServicer(operation_service_pb2_grpc.OperationServiceServicer):
    def __init__(self, core: Core, reads: Reads, watches: OperationWatches) -> None:
        self._core = core
        self._reads = reads
        self._watches = watches

    async def GetOperation(self, request: pb.GetOperationRequest, context: Any) -> pb.GetOperationResponse:
        return pb.GetOperationResponse(operation=await self._reads.get_operation(request.id))

    async def ListOperations(self, request: pb.ListOperationsRequest, context: Any) -> pb.ListOperationsResponse:
        return await self._reads.list_operations(request)

    async def CancelOperation(self, request: pb.CancelOperationRequest, context: Any) -> pb.CancelOperationResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            CancelBulk(id),
            pb.CancelOperationResponse,
            lambda working_set, _: pb.CancelOperationResponse(
                operation=operation_message(read_back.operation(working_set, id))
            ),
        )

    async def WatchOperation(  # type: ignore[override]  # the stubs know generators only, the library takes this too
        self, request: pb.WatchOperationRequest, context: Any
    ) -> None:
        await self._watches.follow(request.id.lower(), context.write)

"""FlowService."""

from typing import Any

from antiphon.v1 import flow_pb2, flow_service_pb2_grpc
from antiphon.v1 import flow_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.creation import CreateFlow
from antiphon_server.application.edits import Delete, Edit, tags_column
from antiphon_server.rpc.mutations import masked, mutate
from antiphon_server.rpc.read_conversions import flow_message
from antiphon_server.rpc.reads import Reads


class FlowServicer(flow_service_pb2_grpc.FlowServiceServicer):
    def __init__(self, core: Core, reads: Reads) -> None:
        self._core = core
        self._reads = reads

    async def CreateFlow(self, request: pb.CreateFlowRequest, context: Any) -> pb.CreateFlowResponse:
        return await mutate(
            self._core,
            request,
            CreateFlow(request.flow.name, list(request.flow.tags)),
            pb.CreateFlowResponse,
            lambda working_set, id: pb.CreateFlowResponse(flow=_stored(working_set, id)),
        )

    async def GetFlow(self, request: pb.GetFlowRequest, context: Any) -> pb.GetFlowResponse:
        return await self._reads.get_flow(request)

    async def ListFlows(self, request: pb.ListFlowsRequest, context: Any) -> pb.ListFlowsResponse:
        return await self._reads.list_flows(request)

    async def UpdateFlow(self, request: pb.UpdateFlowRequest, context: Any) -> pb.UpdateFlowResponse:
        flow = request.flow
        values = masked(request.update_mask, flow, {"tags": tags_column})
        id = flow.id.lower()
        return await mutate(
            self._core,
            request,
            Edit("flow", id, flow.etag, values),
            pb.UpdateFlowResponse,
            lambda working_set, _: pb.UpdateFlowResponse(flow=_stored(working_set, id)),
        )

    async def DeleteFlow(self, request: pb.DeleteFlowRequest, context: Any) -> pb.DeleteFlowResponse:
        return await mutate(
            self._core,
            request,
            Delete("flow", request.id.lower(), request.etag),
            pb.DeleteFlowResponse,
            lambda *_: pb.DeleteFlowResponse(),
        )


def _stored(working_set: WorkingSet, id: str) -> flow_pb2.Flow:
    """The flow as readers will see it once this transaction is committed."""
    return flow_message(read_back.flow(working_set, id))

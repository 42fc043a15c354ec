"""FlowRunService."""

from typing import Any

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import flow_run_service_pb2_grpc, retry_policy_pb2
from antiphon_server.application.core import Core
from antiphon_server.application.edits import Delete, Edit, retry_policy_column, tags_column
from antiphon_server.application.inputs import CreateFlowRunInput, DeleteFlowRunInput, stored_input
from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.rpc.bulk_starts import BulkStarts
from antiphon_server.rpc.mutations import Columns, masked, mutate
from antiphon_server.rpc.patience import Patience
from antiphon_server.rpc.pausing import Pausing
from antiphon_server.rpc.read_conversions import flow_run_input_message
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.stored import stored_flow_run
from antiphon_server.rpc.trace_context import traceparent_of
from antiphon_server.rpc.watching import Watches
from antiphon_server.rpc.write_conversions import create_flow_run_from, flow_run_input_from, new_id, retry_policy_from


class FlowRunServicer(flow_run_service_pb2_grpc.FlowRunServiceServicer):
    def __init__(self, core: Core, reads: Reads, watches: Watches, patience: Patience) -> None:
        self._core = core
        self._reads = reads
        self._watches = watches
        self._bulk = BulkStarts(core, reads)
        self._pausing = Pausing(core, reads)
        self._patience = patience

    async def CreateFlowRun(self, request: pb.CreateFlowRunRequest, context: Any) -> pb.CreateFlowRunResponse:
        return await mutate(
            self._core,
            request,
            create_flow_run_from(request.flow_run, None, traceparent_of(context)),
            pb.CreateFlowRunResponse,
            lambda working_set, id: pb.CreateFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )

    async def GetFlowRun(self, request: pb.GetFlowRunRequest, context: Any) -> pb.GetFlowRunResponse:
        return await self._reads.get_flow_run(request)

    async def ListFlowRuns(self, request: pb.ListFlowRunsRequest, context: Any) -> pb.ListFlowRunsResponse:
        return await self._reads.list_flow_runs(request)

    async def UpdateFlowRun(self, request: pb.UpdateFlowRunRequest, context: Any) -> pb.UpdateFlowRunResponse:
        run = request.flow_run
        columns: Columns = {"name": str, "tags": tags_column, "flow_version": str, "retry_policy": _retry_policy_column}
        values = masked(request.update_mask, run, columns)
        id = run.id.lower()
        return await mutate(
            self._core,
            request,
            Edit("flow run", id, run.etag, values),
            pb.UpdateFlowRunResponse,
            lambda working_set, _: pb.UpdateFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )

    async def DeleteFlowRun(self, request: pb.DeleteFlowRunRequest, context: Any) -> pb.DeleteFlowRunResponse:
        return await mutate(
            self._core,
            request,
            Delete("flow run", request.id.lower(), request.etag),
            pb.DeleteFlowRunResponse,
            lambda *_: pb.DeleteFlowRunResponse(),
        )

    async def ListFlowRunStates(
        self, request: pb.ListFlowRunStatesRequest, context: Any
    ) -> pb.ListFlowRunStatesResponse:
        return await self._reads.list_flow_run_states(request)

    async def ListFlowRunCommands(
        self, request: pb.ListFlowRunCommandsRequest, context: Any
    ) -> pb.ListFlowRunCommandsResponse:
        return await self._reads.list_flow_run_commands(request)

    async def CancelFlowRun(self, request: pb.CancelFlowRunRequest, context: Any) -> pb.CancelFlowRunResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            CancelFlowRun(id, request.reason, new_id()),
            pb.CancelFlowRunResponse,
            lambda working_set, _: pb.CancelFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )

    async def PauseFlowRun(self, request: pb.PauseFlowRunRequest, context: Any) -> pb.PauseFlowRunResponse:
        return await self._pausing.pause(request)

    async def SuspendFlowRun(self, request: pb.SuspendFlowRunRequest, context: Any) -> pb.SuspendFlowRunResponse:
        return await self._pausing.suspend(request)

    async def ResumeFlowRun(self, request: pb.ResumeFlowRunRequest, context: Any) -> pb.ResumeFlowRunResponse:
        return await self._pausing.resume(request)

    async def GetFlowRunInput(self, request: pb.GetFlowRunInputRequest, context: Any) -> pb.GetFlowRunInputResponse:
        return await self._reads.get_flow_run_input(request)

    async def ListFlowRunInputs(
        self, request: pb.ListFlowRunInputsRequest, context: Any
    ) -> pb.ListFlowRunInputsResponse:
        return await self._reads.list_flow_run_inputs(request)

    async def CreateFlowRunInput(
        self, request: pb.CreateFlowRunInputRequest, context: Any
    ) -> pb.CreateFlowRunInputResponse:
        input = flow_run_input_from(request.flow_run_input)
        return await mutate(
            self._core,
            request,
            CreateFlowRunInput(input),
            pb.CreateFlowRunInputResponse,
            lambda working_set, _: pb.CreateFlowRunInputResponse(
                flow_run_input=flow_run_input_message(stored_input(working_set, input.flow_run_id, input.key))
            ),
        )

    async def DeleteFlowRunInput(
        self, request: pb.DeleteFlowRunInputRequest, context: Any
    ) -> pb.DeleteFlowRunInputResponse:
        return await mutate(
            self._core,
            request,
            DeleteFlowRunInput(request.flow_run_id.lower(), request.key),
            pb.DeleteFlowRunInputResponse,
            lambda *_: pb.DeleteFlowRunInputResponse(),
        )

    async def ReceiveFlowRunInputs(
        self, request: pb.ReceiveFlowRunInputsRequest, context: Any
    ) -> pb.ReceiveFlowRunInputsResponse:
        return await self._patience.receive_inputs(request)

    async def AwaitFlowRun(self, request: pb.AwaitFlowRunRequest, context: Any) -> pb.AwaitFlowRunResponse:
        return await self._patience.await_flow_run(request)

    async def WatchFlowRun(  # type: ignore[override]  # the stubs know generators only, the library takes this too
        self, request: pb.WatchFlowRunRequest, context: Any
    ) -> None:
        await self._watches.flow_run(request, context.write)

    async def BulkCancelFlowRuns(
        self, request: pb.BulkCancelFlowRunsRequest, context: Any
    ) -> pb.BulkCancelFlowRunsResponse:
        return await self._bulk.cancel(request)

    async def BulkDeleteFlowRuns(
        self, request: pb.BulkDeleteFlowRunsRequest, context: Any
    ) -> pb.BulkDeleteFlowRunsResponse:
        return await self._bulk.delete(request)

    async def BulkRetryFlowRuns(
        self, request: pb.BulkRetryFlowRunsRequest, context: Any
    ) -> pb.BulkRetryFlowRunsResponse:
        return await self._bulk.retry(request)

    async def BulkSetFlowRunState(
        self, request: pb.BulkSetFlowRunStateRequest, context: Any
    ) -> pb.BulkSetFlowRunStateResponse:
        return await self._bulk.set_state(request)


def _retry_policy_column(message: retry_policy_pb2.RetryPolicy) -> str | None:
    return retry_policy_column(retry_policy_from(message, "flow_run"))

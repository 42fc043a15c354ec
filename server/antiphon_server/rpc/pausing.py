"""The RPCs that pause flow runs and have them go on."""

import asyncio

from antiphon.v1 import flow_run_pb2, state_pb2
from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon_server.application.core import Core
from antiphon_server.application.input_schemas import check_schema
from antiphon_server.application.pausing import CheckedInput, Pause, PauseFlowRun, ResumeFlowRun, checked_input
from antiphon_server.domain.errors import FailedPrecondition, NotFound
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.stored import stored_flow_run
from antiphon_server.rpc.write_conversions import new_id
from antiphon_server.wire_times import duration_to_micros

#: Answers that are looked at at once, each by a process.
MOST_CHECKS = 4


class Pausing:
    """One method for each RPC, for the servicer to delegate to."""

    def __init__(self, core: Core, reads: Reads) -> None:
        self._core = core
        self._reads = reads
        self._checks = asyncio.Semaphore(MOST_CHECKS)

    async def pause(self, request: pb.PauseFlowRunRequest) -> pb.PauseFlowRunResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            PauseFlowRun(id, await _pause_from(request, suspend=False), new_id()),
            pb.PauseFlowRunResponse,
            lambda working_set, _: pb.PauseFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )

    async def suspend(self, request: pb.SuspendFlowRunRequest) -> pb.SuspendFlowRunResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            PauseFlowRun(id, await _pause_from(request, suspend=True), new_id()),
            pb.SuspendFlowRunResponse,
            lambda working_set, _: pb.SuspendFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )

    async def resume(self, request: pb.ResumeFlowRunRequest) -> pb.ResumeFlowRunResponse:
        id = request.id.lower()
        answer = await mutate(
            self._core,
            request,
            ResumeFlowRun(id, await self._checked_input(request), new_id()),
            pb.ResumeFlowRunResponse,
            lambda working_set, _: pb.ResumeFlowRunResponse(flow_run=stored_flow_run(working_set, id)),
        )
        # Not raised where it is found: the run's end is to be committed.
        if answer.flow_run.state.type == state_pb2.STATE_TYPE_FAILED:
            said = answer.flow_run.state.message
            raise FailedPrecondition("PAUSE_EXPIRED", f"flow run {id} cannot be resumed: {said}; run the flow again")
        return answer

    async def _checked_input(self, request: pb.ResumeFlowRunRequest) -> CheckedInput:
        """As the run stands now; whether it still does so, the operation sees."""
        payload = request.input if request.HasField("input") else None
        try:
            run: flow_run_pb2.FlowRun = await self._reads.flow_run(request.id)
        except NotFound:
            return CheckedInput(payload, None)
        schema = run.state.details.input_schema
        if not schema:
            return CheckedInput(payload, run.state.id)
        async with self._checks:
            return await checked_input(payload, run.state.id, schema)


async def _pause_from(request: pb.PauseFlowRunRequest | pb.SuspendFlowRunRequest, *, suspend: bool) -> Pause:
    """Raises InvalidArgument (INPUT_SCHEMA_INVALID)."""
    if request.input_schema:
        await asyncio.to_thread(check_schema, request.input_schema, "input_schema")
    timeout = duration_to_micros(request.timeout, "timeout") if request.HasField("timeout") else None
    return Pause(timeout, request.pause_key, request.input_schema, request.reason, suspend)

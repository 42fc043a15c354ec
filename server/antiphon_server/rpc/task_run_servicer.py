"""TaskRunService."""

from collections.abc import AsyncIterator
from typing import Any

from antiphon.v1 import task_run_pb2, task_run_service_pb2_grpc
from antiphon.v1 import task_run_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.edits import Delete, Edit, tags_column
from antiphon_server.rpc.mutations import masked, mutate
from antiphon_server.rpc.read_conversions import task_run_message
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.task_run_taking import TaskRunTaking
from antiphon_server.rpc.task_run_watching import TaskRunWatches
from antiphon_server.rpc.trace_context import traceparent_of
from antiphon_server.rpc.write_conversions import create_task_run_from


class TaskRunServicer(task_run_service_pb2_grpc.TaskRunServiceServicer):
    def __init__(self, core: Core, reads: Reads, taking: TaskRunTaking, watches: TaskRunWatches) -> None:
        self._core = core
        self._reads = reads
        self._taking = taking
        self._watches = watches

    async def CreateTaskRun(self, request: pb.CreateTaskRunRequest, context: Any) -> pb.CreateTaskRunResponse:
        return await mutate(
            self._core,
            request,
            create_task_run_from(request.task_run, None, traceparent_of(context)),
            pb.CreateTaskRunResponse,
            lambda working_set, id: pb.CreateTaskRunResponse(task_run=_stored(working_set, id)),
        )

    async def GetTaskRun(self, request: pb.GetTaskRunRequest, context: Any) -> pb.GetTaskRunResponse:
        return await self._reads.get_task_run(request)

    async def ListTaskRuns(self, request: pb.ListTaskRunsRequest, context: Any) -> pb.ListTaskRunsResponse:
        return await self._reads.list_task_runs(request)

    async def UpdateTaskRun(self, request: pb.UpdateTaskRunRequest, context: Any) -> pb.UpdateTaskRunResponse:
        run = request.task_run
        values = masked(request.update_mask, run, {"name": str, "tags": tags_column})
        id = run.id.lower()
        return await mutate(
            self._core,
            request,
            Edit("task run", id, run.etag, values),
            pb.UpdateTaskRunResponse,
            lambda working_set, _: pb.UpdateTaskRunResponse(task_run=_stored(working_set, id)),
        )

    async def DeleteTaskRun(self, request: pb.DeleteTaskRunRequest, context: Any) -> pb.DeleteTaskRunResponse:
        return await mutate(
            self._core,
            request,
            Delete("task run", request.id.lower(), request.etag),
            pb.DeleteTaskRunResponse,
            lambda *_: pb.DeleteTaskRunResponse(),
        )

    async def ListTaskRunStates(
        self, request: pb.ListTaskRunStatesRequest, context: Any
    ) -> pb.ListTaskRunStatesResponse:
        return await self._reads.list_task_run_states(request)

    async def TakeTaskRuns(  # type: ignore[override]  # the stubs know generators only, the library takes this too
        self, request_iterator: AsyncIterator[pb.TakeTaskRunsRequest], context: Any
    ) -> None:
        await self._taking.take(request_iterator, context.write)

    async def WatchTaskRuns(  # type: ignore[override]
        self, request_iterator: AsyncIterator[pb.WatchTaskRunsRequest], context: Any
    ) -> None:
        await self._watches.follow(request_iterator, context.write)


def _stored(working_set: WorkingSet, id: str) -> task_run_pb2.TaskRun:
    """The task run as readers will see it once this transaction is committed."""
    return task_run_message(read_back.task_run(working_set, id))

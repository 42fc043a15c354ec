"""DeploymentService, loaded on demand."""

import asyncio
from typing import Any, TypeVar

from antiphon.v1 import deployment_pb2, deployment_service_pb2_grpc
from antiphon.v1 import deployment_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, Operation, WorkingSet
from antiphon_server.application.deployments import DeleteDeployment, RollBackDeployment, UpdateDeployment
from antiphon_server.application.parameter_claims import checked
from antiphon_server.application.queries import Queries
from antiphon_server.rpc.backfills import Backfills
from antiphon_server.rpc.deployment_conversions import (
    apply_deployment_from,
    create_deployment_from,
    deployment_message,
    run_deployment_from,
    update_deployment_from,
)
from antiphon_server.rpc.deployment_reads import DeploymentReads
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.stored import stored_flow_run
from antiphon_server.rpc.trace_context import traceparent_of

Response = TypeVar(
    "Response",
    pb.UpdateDeploymentResponse,
    pb.PauseDeploymentResponse,
    pb.ResumeDeploymentResponse,
    pb.RollBackDeploymentResponse,
)


class DeploymentServicer(deployment_service_pb2_grpc.DeploymentServiceServicer):
    """Deployments are read out of requests in a thread: the rules of a hundred schedules take a while to check."""

    def __init__(self, core: Core, queries: Queries) -> None:
        self._core = core
        self._reads = DeploymentReads(queries)
        self._backfills = Backfills(core, queries)

    async def CreateDeployment(self, request: pb.CreateDeploymentRequest, context: Any) -> pb.CreateDeploymentResponse:
        create = await asyncio.to_thread(create_deployment_from, request.deployment)
        return await checked(
            create,
            lambda: mutate(
                self._core,
                request,
                create,
                pb.CreateDeploymentResponse,
                lambda working_set, id: pb.CreateDeploymentResponse(deployment=_stored(working_set, id)),
            ),
        )

    async def GetDeployment(self, request: pb.GetDeploymentRequest, context: Any) -> pb.GetDeploymentResponse:
        named = request.name
        found = await self._reads.deployment(request.id, name=named.name, flow_name=named.flow_name)
        return pb.GetDeploymentResponse(deployment=found)

    async def ListDeployments(self, request: pb.ListDeploymentsRequest, context: Any) -> pb.ListDeploymentsResponse:
        return await self._reads.list_deployments(request)

    async def UpdateDeployment(self, request: pb.UpdateDeploymentRequest, context: Any) -> pb.UpdateDeploymentResponse:
        update = await asyncio.to_thread(update_deployment_from, request)
        return await checked(update, lambda: self._changed(request, update, pb.UpdateDeploymentResponse, update.id))

    async def ApplyDeployment(self, request: pb.ApplyDeploymentRequest, context: Any) -> pb.ApplyDeploymentResponse:
        apply = await asyncio.to_thread(apply_deployment_from, request)

        def answer(working_set: WorkingSet, found: tuple[str, bool]) -> pb.ApplyDeploymentResponse:
            return pb.ApplyDeploymentResponse(deployment=_stored(working_set, found[0]), created=found[1])

        return await checked(apply, lambda: mutate(self._core, request, apply, pb.ApplyDeploymentResponse, answer))

    async def DeleteDeployment(self, request: pb.DeleteDeploymentRequest, context: Any) -> pb.DeleteDeploymentResponse:
        return await mutate(
            self._core,
            request,
            DeleteDeployment(request.id.lower(), request.etag),
            pb.DeleteDeploymentResponse,
            lambda *_: pb.DeleteDeploymentResponse(),
        )

    async def PauseDeployment(self, request: pb.PauseDeploymentRequest, context: Any) -> pb.PauseDeploymentResponse:
        id = request.id.lower()
        return await self._changed(request, UpdateDeployment(id, "", {"paused": True}), pb.PauseDeploymentResponse, id)

    async def ResumeDeployment(self, request: pb.ResumeDeploymentRequest, context: Any) -> pb.ResumeDeploymentResponse:
        id = request.id.lower()
        update = UpdateDeployment(id, "", {"paused": False})
        return await self._changed(request, update, pb.ResumeDeploymentResponse, id)

    async def RunDeployment(self, request: pb.RunDeploymentRequest, context: Any) -> pb.RunDeploymentResponse:
        run = run_deployment_from(request, self._core.clock())
        run.run.traceparent = traceparent_of(context)

        def answer(working_set: WorkingSet, found: tuple[str, bool]) -> pb.RunDeploymentResponse:
            return pb.RunDeploymentResponse(flow_run=stored_flow_run(working_set, found[0]), created=found[1])

        return await checked(run, lambda: mutate(self._core, request, run, pb.RunDeploymentResponse, answer))

    async def BackfillDeployment(
        self, request: pb.BackfillDeploymentRequest, context: Any
    ) -> pb.BackfillDeploymentResponse:
        return await self._backfills.start(request)

    async def ListDeploymentVersions(
        self, request: pb.ListDeploymentVersionsRequest, context: Any
    ) -> pb.ListDeploymentVersionsResponse:
        return await self._reads.list_versions(request)

    async def RollBackDeployment(
        self, request: pb.RollBackDeploymentRequest, context: Any
    ) -> pb.RollBackDeploymentResponse:
        id = request.id.lower()
        roll_back = RollBackDeployment(id, request.etag, request.version_number)
        return await checked(roll_back, lambda: self._changed(request, roll_back, pb.RollBackDeploymentResponse, id))

    async def _changed(self, request: Any, operation: Operation, response: type[Response], id: str) -> Response:
        """Changes one deployment, and answers with it."""
        return await mutate(
            self._core,
            request,
            operation,
            response,
            lambda working_set, _: response(deployment=_stored(working_set, id)),
        )


def _stored(working_set: WorkingSet, id: str) -> deployment_pb2.Deployment:
    """The deployment as readers will see it once this transaction is committed."""
    return deployment_message(read_back.deployment(working_set, id), read_back.schedules_of(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server(
        DeploymentServicer(parts.core, parts.queries), server
    )

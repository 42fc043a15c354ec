"""DeploymentService, loaded on demand."""

from typing import Any

from antiphon.v1 import deployment_pb2, deployment_service_pb2_grpc
from antiphon.v1 import deployment_service_pb2 as pb
from antiphon_server.application import read_back
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.deployments import DeleteDeployment, UpdateDeployment
from antiphon_server.rpc.deployment_conversions import (
    create_deployment_from,
    deployment_message,
    update_deployment_from,
)
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.work_reads import WorkReads


class DeploymentServicer(deployment_service_pb2_grpc.DeploymentServiceServicer):
    def __init__(self, core: Core, reads: WorkReads) -> None:
        self._core = core
        self._reads = reads

    async def CreateDeployment(self, request: pb.CreateDeploymentRequest, context: Any) -> pb.CreateDeploymentResponse:
        return await mutate(
            self._core,
            request,
            create_deployment_from(request.deployment),
            pb.CreateDeploymentResponse,
            lambda working_set, id: pb.CreateDeploymentResponse(deployment=_stored(working_set, id)),
        )

    async def GetDeployment(self, request: pb.GetDeploymentRequest, context: Any) -> pb.GetDeploymentResponse:
        return await self._reads.get_deployment(request)

    async def ListDeployments(self, request: pb.ListDeploymentsRequest, context: Any) -> pb.ListDeploymentsResponse:
        return await self._reads.list_deployments(request)

    async def UpdateDeployment(self, request: pb.UpdateDeploymentRequest, context: Any) -> pb.UpdateDeploymentResponse:
        update = update_deployment_from(request)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateDeploymentResponse,
            lambda working_set, _: pb.UpdateDeploymentResponse(deployment=_stored(working_set, update.id)),
        )

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
        return await mutate(
            self._core,
            request,
            UpdateDeployment(id, "", {"paused": True}),
            pb.PauseDeploymentResponse,
            lambda working_set, _: pb.PauseDeploymentResponse(deployment=_stored(working_set, id)),
        )

    async def ResumeDeployment(self, request: pb.ResumeDeploymentRequest, context: Any) -> pb.ResumeDeploymentResponse:
        id = request.id.lower()
        return await mutate(
            self._core,
            request,
            UpdateDeployment(id, "", {"paused": False}),
            pb.ResumeDeploymentResponse,
            lambda working_set, _: pb.ResumeDeploymentResponse(deployment=_stored(working_set, id)),
        )


def _stored(working_set: WorkingSet, id: str) -> deployment_pb2.Deployment:
    """The deployment as readers will see it once this transaction is committed."""
    return deployment_message(read_back.deployment(working_set, id))


def add_to(server: Any, parts: Parts) -> None:
    deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server(
        DeploymentServicer(parts.core, WorkReads(parts.queries)), server
    )

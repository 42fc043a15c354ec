"""ArtifactService, loaded on demand. What large artifacts hold is not remembered with the answers to their requests: an
answer takes it from the request, which is the same whenever it is sent again."""

import json
from typing import Any

from antiphon.v1 import artifact_pb2, artifact_service_pb2_grpc
from antiphon.v1 import artifact_service_pb2 as pb
from antiphon_server.application import listings, read_back
from antiphon_server.application.artifacts import CreateArtifact, DeleteArtifact, UpdateArtifact
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.queries import Queries
from antiphon_server.rpc.limit_conversions import stamps
from antiphon_server.rpc.mutations import Columns, masked, mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.reads import listed

_DATA = "data"


class ArtifactServicer(artifact_service_pb2_grpc.ArtifactServiceServicer):
    def __init__(self, core: Core, queries: Queries) -> None:
        self._core = core
        self._queries = queries

    async def CreateArtifact(self, request: pb.CreateArtifactRequest, context: Any) -> pb.CreateArtifactResponse:
        response = await mutate(
            self._core,
            request,
            CreateArtifact(_columns(request.artifact)),
            pb.CreateArtifactResponse,
            lambda working_set, id: pb.CreateArtifactResponse(artifact=_stored(working_set, id, with_data=False)),
        )
        response.artifact.data = request.artifact.data
        return response

    async def GetArtifact(self, request: pb.GetArtifactRequest, context: Any) -> pb.GetArtifactResponse:
        return pb.GetArtifactResponse(artifact=artifact_message(await self._queries.artifact(request.id)))

    async def GetLatestArtifact(
        self, request: pb.GetLatestArtifactRequest, context: Any
    ) -> pb.GetLatestArtifactResponse:
        row = await self._queries.latest_artifact(request.key)
        return pb.GetLatestArtifactResponse(artifact=artifact_message(row))

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Any) -> pb.ListArtifactsResponse:
        listing = listings.ARTIFACTS_WITHOUT_DATA if request.without_data else listings.ARTIFACTS
        page = await listed(self._queries, listing, request)
        return pb.ListArtifactsResponse(
            artifacts=map(artifact_message, page.rows), next_page_token=page.next_page_token
        )

    async def ListLatestArtifacts(
        self, request: pb.ListLatestArtifactsRequest, context: Any
    ) -> pb.ListLatestArtifactsResponse:
        listing = listings.LATEST_ARTIFACTS_WITHOUT_DATA if request.without_data else listings.LATEST_ARTIFACTS
        page = await listed(self._queries, listing, request)
        return pb.ListLatestArtifactsResponse(
            artifacts=map(artifact_message, page.rows), next_page_token=page.next_page_token
        )

    async def UpdateArtifact(self, request: pb.UpdateArtifactRequest, context: Any) -> pb.UpdateArtifactResponse:
        wanted = request.artifact
        columns: Columns = {_DATA: str, "description": str, "metadata": _metadata_column}
        update = UpdateArtifact(wanted.id.lower(), wanted.etag, masked(request.update_mask, wanted, columns))
        given = _DATA in update.values
        response = await mutate(
            self._core,
            request,
            update,
            pb.UpdateArtifactResponse,
            lambda working_set, _: pb.UpdateArtifactResponse(
                artifact=_stored(working_set, update.id, with_data=not given)
            ),
        )
        if given:
            response.artifact.data = wanted.data
        return response

    async def DeleteArtifact(self, request: pb.DeleteArtifactRequest, context: Any) -> pb.DeleteArtifactResponse:
        return await mutate(
            self._core,
            request,
            DeleteArtifact(request.id.lower(), request.etag),
            pb.DeleteArtifactResponse,
            lambda *_: pb.DeleteArtifactResponse(),
        )


def artifact_message(row: Any) -> artifact_pb2.Artifact:
    """`row` may have been read without its data."""
    return artifact_pb2.Artifact(
        id=row.id,
        key=row.key,
        type=row.type,
        description=row.description,
        data=getattr(row, _DATA, ""),
        metadata=json.loads(row.metadata),
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
        **stamps(row),
    )


def _columns(message: artifact_pb2.Artifact) -> dict[str, Any]:
    return {
        "key": message.key or None,
        "type": message.type,
        "description": message.description,
        _DATA: message.data,
        "metadata": _metadata_column(message.metadata),
        "flow_run_id": message.flow_run_id.lower() or None,
        "task_run_id": message.task_run_id.lower() or None,
    }


def _metadata_column(metadata: Any) -> str:
    return json.dumps(dict(metadata), ensure_ascii=False, sort_keys=True)


def _stored(working_set: WorkingSet, id: str, *, with_data: bool) -> artifact_pb2.Artifact:
    """The artifact as readers will see it once this transaction is committed."""
    return artifact_message(read_back.artifact(working_set, id, with_data=with_data))


def add_to(server: Any, parts: Parts) -> None:
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactServicer(parts.core, parts.queries), server)

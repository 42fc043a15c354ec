"""Artifacts."""

from uuid import UUID

from antiphon.artifact_texts import data_text, description_text
from antiphon.client import listings
from antiphon.client.conversions.shown import artifact_collection_from, artifact_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from antiphon.client.schemas.filters import ArtifactCollectionFilter, ArtifactFilter, FlowRunFilter, TaskRunFilter
from antiphon.client.schemas.objects import Artifact, ArtifactCollection
from antiphon.client.schemas.sorting import ArtifactCollectionSort, ArtifactSort
from antiphon.engine.dual import Work
from antiphon.v1 import artifact_pb2
from antiphon.v1.artifact_service_pb2 import (
    CreateArtifactRequest,
    CreateArtifactResponse,
    DeleteArtifactRequest,
    DeleteArtifactResponse,
    UpdateArtifactRequest,
    UpdateArtifactResponse,
)

__all__ = ["ArtifactOperations"]


class ArtifactOperations(ClientBase):
    """What runs show to people."""

    @operation
    def create_artifact(self, artifact: ArtifactCreate) -> Work[Artifact]:
        """Make an artifact, and return it. Data that is no text is kept as JSON.

        Raises ValueError for more data than an artifact has, TypeError for what JSON cannot say.
        """
        message = artifact_pb2.Artifact(
            key=artifact.key or "",
            type=artifact.type or "",
            description=description_text(artifact.description),
            data=data_text(artifact.data),
            metadata=artifact.metadata_ or {},
            flow_run_id=str(artifact.flow_run_id or ""),
            task_run_id=str(artifact.task_run_id or ""),
        )
        request = CreateArtifactRequest(artifact=message)
        answer = yield from self.call(
            lambda services: services.artifacts.CreateArtifact, request, CreateArtifactResponse
        )
        return artifact_from(answer.artifact)

    @operation
    def update_artifact(self, artifact_id: UUID | str, artifact: ArtifactUpdate) -> Work[None]:
        """Change what was given to `ArtifactUpdate`. Raises ObjectNotFound, and as `create_artifact`."""
        given = artifact.model_fields_set
        message = artifact_pb2.Artifact(id=uuid_text(artifact_id, "artifact_id"), metadata=artifact.metadata_ or {})
        if "data" in given:
            message.data = data_text(artifact.data)
        if "description" in given:
            message.description = description_text(artifact.description)
        paths = sorted(each.removesuffix("_") for each in given)
        if not paths:
            return
        request = UpdateArtifactRequest(artifact=message, update_mask={"paths": paths})
        yield from self.call(lambda services: services.artifacts.UpdateArtifact, request, UpdateArtifactResponse)

    @operation
    def delete_artifact(self, artifact_id: UUID | str) -> Work[None]:
        """Delete an artifact. Raises ObjectNotFound."""
        request = DeleteArtifactRequest(id=uuid_text(artifact_id, "artifact_id"))
        yield from self.call(lambda services: services.artifacts.DeleteArtifact, request, DeleteArtifactResponse)

    @operation
    def read_artifacts(
        self,
        *,
        artifact_filter: ArtifactFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: ArtifactSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Work[list[Artifact]]:
        """Return the artifacts that fit all filters, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = {
            listings.ARTIFACTS: artifact_filter,
            listings.FLOW_RUNS: flow_run_filter,
            listings.TASK_RUNS: task_run_filter,
        }
        text = yield from listings.condition(self, listings.ARTIFACTS, filters)
        page = listings.list_messages(self, listings.ARTIFACTS, text, sort=sort, limit=limit, offset=offset)
        return list(map(artifact_from, (yield from page)))

    @operation
    def read_latest_artifacts(
        self,
        *,
        artifact_filter: ArtifactCollectionFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: ArtifactCollectionSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Work[list[ArtifactCollection]]:
        """The same for the latest artifact of each key."""
        filters = {
            listings.LATEST_ARTIFACTS: artifact_filter,
            listings.FLOW_RUNS: flow_run_filter,
            listings.TASK_RUNS: task_run_filter,
        }
        text = yield from listings.condition(self, listings.LATEST_ARTIFACTS, filters)
        page = listings.list_messages(self, listings.LATEST_ARTIFACTS, text, sort=sort, limit=limit, offset=offset)
        return list(map(artifact_collection_from, (yield from page)))

"""Artifacts and variables."""

import json
from uuid import UUID

from antiphon.artifact_records import response_of
from antiphon.client.conversions.values import optional_time
from antiphon.client.schemas.shown_objects import Artifact, ArtifactCollection, Variable
from antiphon.v1 import artifact_pb2, variable_pb2

__all__ = ["artifact_collection_from", "artifact_from", "variable_from"]


def artifact_from(proto: artifact_pb2.Artifact) -> Artifact:
    """Return an artifact."""
    return Artifact(**dict(response_of(proto)))


def artifact_collection_from(proto: artifact_pb2.Artifact) -> ArtifactCollection:
    """Return the versions of one key by their latest."""
    return ArtifactCollection(**dict(response_of(proto)), latest_id=UUID(proto.id))


def variable_from(proto: variable_pb2.Variable) -> Variable:
    """Return a variable."""
    return Variable(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        value=json.loads(proto.value),
        tags=list(proto.tags),
    )

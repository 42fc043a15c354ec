"""Artifacts as the server has them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from antiphon.timestamps import read_timestamp
from antiphon.v1 import artifact_pb2

__all__ = ["ArtifactResponse"]

PROGRESS = "progress"


class ArtifactResponse(BaseModel):
    """An artifact that the server has. Its `data` is text, and of a progress artifact a number."""

    id: UUID
    created: datetime
    updated: datetime
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


def response_of(message: artifact_pb2.Artifact) -> ArtifactResponse:
    """What the server said, for users."""
    return ArtifactResponse(
        id=UUID(message.id),
        created=read_timestamp(message.create_time),
        updated=read_timestamp(message.update_time),
        key=message.key or None,
        type=message.type or None,
        description=message.description or None,
        data=_read_data(message.type, message.data),
        metadata_=dict(message.metadata) or None,
        flow_run_id=UUID(message.flow_run_id) if message.flow_run_id else None,
        task_run_id=UUID(message.task_run_id) if message.task_run_id else None,
    )


def _read_data(type: str, text: str) -> str | float:
    if type == PROGRESS:
        try:
            return float(text)
        except ValueError:
            return text  # not by this SDK
    return text

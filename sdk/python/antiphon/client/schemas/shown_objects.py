"""What runs show to people, and values that they share."""

from typing import Any
from uuid import UUID

from pydantic import Field

from antiphon.client.schemas.bases import ObjectBaseModel

__all__ = ["Artifact", "ArtifactCollection", "Variable"]


class Artifact(ObjectBaseModel):
    """Something to show. Its `data` is text, and of a progress artifact a number."""

    key: str | None = None
    type: str | None = None
    #: Markdown.
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactCollection(Artifact):
    """The versions of one key, by their latest."""

    latest_id: UUID


class Variable(ObjectBaseModel):
    """A named JSON value."""

    name: str
    value: Any
    tags: list[str] = Field(default_factory=list)

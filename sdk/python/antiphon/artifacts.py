"""Artifacts: what a run shows to people. Texts, tables, links, images, and how far it has come.

Each function serves sync and async code: in an async flow, and where an event loop runs outside of flows, it gives a
coroutine. Its twin with an `a` before the name always does. In a run, an artifact carries the ids of the flow run and
the task run that made it.
"""

import json
from collections.abc import Generator
from typing import Annotated, Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import AfterValidator, BaseModel, ConfigDict

from antiphon.artifact_records import PROGRESS, ArtifactResponse, response_of
from antiphon.artifact_texts import checked_key, data_text, description_text, is_key, percent, table_text
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.dual import Work, at_once, awaitable, awaitable_of_class, dual
from antiphon.engine.server_calls import call_server
from antiphon.given_clients import AnyClient
from antiphon.v1 import artifact_pb2
from antiphon.v1.artifact_service_pb2 import (
    CreateArtifactRequest,
    CreateArtifactResponse,
    ListArtifactsRequest,
    ListArtifactsResponse,
    UpdateArtifactRequest,
    UpdateArtifactResponse,
)

__all__ = [
    "Artifact",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "TableArtifact",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress_artifact",
]


class Artifact(BaseModel):
    """Something to show. Artifacts with one key are versions of one thing; the one that was created last counts.

    Subclasses say by `format` what is shown. Raises pydantic.ValidationError (a ValueError) for a key that is anything
    but lowercase letters, digits and dashes, and for arguments of wrong types.
    """

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, AfterValidator(checked_key)] | None = None
    type: str | None = None
    #: Markdown.
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    @dual
    def create(self, client: AnyClient = None) -> Work[ArtifactResponse]:
        """Have the server keep this, and return it as it was stored. `client` chooses another server.

        Raises ValueError for more than 2 MiB of data, TypeError for data that is neither text nor JSON, ServerError.
        """
        return _create(self, client)

    acreate = awaitable(create)

    @classmethod
    @dual
    def get(cls, key: str | None = None, client: AnyClient = None) -> Work[ArtifactResponse | None]:
        """Return the artifact with this key that was written last, whatever its type; of all artifacts without a key.

        None where there is none. Raises ServerError.
        """
        return _newest(key, client)

    aget = awaitable_of_class(get)

    @classmethod
    @dual
    def get_or_create(
        cls,
        /,
        key: str | None = None,
        description: str | None = None,
        data: Any = None,
        client: AnyClient = None,
        **kwargs: Any,
    ) -> Work[tuple[ArtifactResponse, bool]]:
        """Return the artifact that `get` gives for this key, and False. Where there is none, and without a key, make
        one of these fields, and return it and True. Raises as `create`."""
        found = (yield from _newest(key, client)) if key else None
        if found is not None:
            return found, False
        new = cls(key=key, description=description, data=data, **kwargs)
        return (yield from _create(new, client)), True

    aget_or_create = awaitable_of_class(get_or_create)

    @dual
    def format(self) -> Work[Any]:
        """Return what is shown: of this class `data` as JSON text."""
        return at_once(json.dumps(self.data))

    @dual
    def _formatted(self) -> Work[Any]:
        """Return what `format` of the artifact's class gives."""
        return _format(self)

    aformat = awaitable(_formatted)


class LinkArtifact(Artifact):
    """A link. It is kept as Markdown."""

    link: str
    link_text: str | None = None
    type: str | None = "markdown"

    @dual
    def format(self) -> Work[str]:
        """Return the link as Markdown."""
        return at_once(f"[{self.link_text or self.link}]({self.link})")


class MarkdownArtifact(Artifact):
    """A text in Markdown."""

    markdown: str
    type: str | None = "markdown"

    @dual
    def format(self) -> Work[str]:
        """Return the text."""
        return at_once(self.markdown)


class TableArtifact(Artifact):
    """A table: a list of rows (dicts or lists), or a dict of columns (lists)."""

    table: dict[str, list[Any]] | list[dict[str, Any]] | list[list[Any]]
    type: str | None = "table"

    @dual
    def format(self) -> Work[str]:
        """Return the table as JSON text, with null for numbers that are none. Raises TypeError for other cells."""
        return at_once(table_text(self.table))


class ProgressArtifact(Artifact):
    """How far something has come, in per cent."""

    progress: float
    type: str | None = PROGRESS

    @dual
    def format(self) -> Work[float]:
        """Return the number, 0 for a smaller and 100 for a larger one. Raises ValueError for NaN."""
        return at_once(percent(self.progress))


class ImageArtifact(Artifact):
    """An image that anybody who looks at the artifact can fetch from its address."""

    image_url: str
    type: str | None = "image"

    @dual
    def format(self) -> Work[str]:
        """Return the address."""
        return at_once(self.image_url)


@dual
def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: AnyClient = None,
) -> Work[UUID]:
    """Show a link, and return the artifact's id. All functions here raise as `Artifact` and `Artifact.create`."""
    return _created(LinkArtifact(link=link, link_text=link_text, key=key, description=description), client)


@dual
def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> Work[UUID]:
    """Show a text in Markdown, and return the artifact's id."""
    return _created(MarkdownArtifact(markdown=markdown, key=key, description=description))


@dual
def create_table_artifact(
    table: dict[str, list[Any]] | list[dict[str, Any]] | list[list[Any]],
    key: str | None = None,
    description: str | None = None,
) -> Work[UUID]:
    """Show a table (rows as dicts or lists, or a dict of columns), and return the artifact's id."""
    return _created(TableArtifact(table=table, key=key, description=description))


@dual
def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> Work[UUID]:
    """Show how far something has come, from 0 to 100, and return the artifact's id for `update_progress_artifact`."""
    return _created(ProgressArtifact(progress=progress, key=key, description=description))


@dual
def update_progress_artifact(
    artifact_id: UUID, progress: float, description: str | None = None, client: AnyClient = None
) -> Work[UUID]:
    """Change how far something has come, and the description where one is given. Return the artifact's id.

    Raises ObjectNotFound.
    """
    wanted = ProgressArtifact(progress=progress, description=description)
    changed = artifact_pb2.Artifact(id=str(artifact_id), data=data_text(percent(wanted.progress)))
    request = UpdateArtifactRequest(artifact=changed, update_mask=FieldMask(paths=["data"]))
    if description:
        request.artifact.description = description_text(description)
        request.update_mask.paths.append("description")
    yield from call_server(
        lambda client: client.artifacts.UpdateArtifact, request, UpdateArtifactResponse, client=client
    )
    return UUID(str(artifact_id))


@dual
def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> Work[UUID]:
    """Show an image that has an address, and return the artifact's id."""
    return _created(ImageArtifact(image_url=image_url, key=key, description=description))


acreate_link_artifact = awaitable(create_link_artifact)
acreate_markdown_artifact = awaitable(create_markdown_artifact)
acreate_table_artifact = awaitable(create_table_artifact)
acreate_progress_artifact = awaitable(create_progress_artifact)
aupdate_progress_artifact = awaitable(update_progress_artifact)
acreate_image_artifact = awaitable(create_image_artifact)


def _format(artifact: Artifact) -> Work[Any]:
    """What the artifact's class says by `format`: ours is written as work, that of users may be a plain method."""
    method = type(artifact).format
    formatted: Any = getattr(method, "__wrapped__", method)(artifact)
    return formatted if isinstance(formatted, Generator) else at_once(formatted)


def _create(artifact: Artifact, client: AnyClient) -> Work[ArtifactResponse]:
    data = yield from _format(artifact)
    flow_run_id, task_run_id = _runs_around()
    wanted = artifact_pb2.Artifact(
        key=artifact.key or "",
        type=artifact.type or "",
        description=description_text(artifact.description),
        data=data_text(data),
        metadata=artifact.metadata_ or {},
        flow_run_id=str(artifact.flow_run_id or flow_run_id),
        task_run_id=str(artifact.task_run_id or task_run_id),
    )
    request = CreateArtifactRequest(artifact=wanted)
    answer = yield from call_server(
        lambda client: client.artifacts.CreateArtifact, request, CreateArtifactResponse, client=client
    )
    return response_of(answer.artifact)


def _created(artifact: Artifact, client: AnyClient = None) -> Work[UUID]:
    return (yield from _create(artifact, client)).id


def _newest(key: str | None, client: AnyClient) -> Work[ArtifactResponse | None]:
    if key is not None and not is_key(key):
        return None  # as any key that no artifact has; in a filter it might mean something else
    request = ListArtifactsRequest(
        page_size=1, order_by="update_time desc", filter="" if key is None else f'key = "{key}"'
    )
    answer = yield from call_server(
        lambda client: client.artifacts.ListArtifacts, request, ListArtifactsResponse, client=client
    )
    return response_of(answer.artifacts[0]) if answer.artifacts else None


def _runs_around() -> tuple[str, str]:
    """The ids of the flow run and the task run that the calling code is part of; empty where there is none."""
    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    if task_run is not None:
        return task_run.flow_run_id or "", task_run.task_run_id
    return (flow_run.flow_run_id, "") if flow_run is not None else ("", "")

"""What is sent to create or change things. In an update, a field that was not given stays as it is."""

from typing import Any
from uuid import UUID

from pydantic import Field

from antiphon.client.schemas.bases import AntiphonBaseModel, UtcDateTime
from antiphon.client.schemas.block_objects import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from antiphon.client.schemas.objects import ConcurrencyOptions
from antiphon.client.schemas.schedules import SCHEDULE_TYPES
from antiphon.types import Name, NonNegativeFloat, NonNegativeInteger, PositiveInteger, StrictVariableValue

__all__ = [
    "ArtifactCreate",
    "ArtifactUpdate",
    "BlockDocumentCreate",
    "BlockDocumentUpdate",
    "BlockSchemaCreate",
    "BlockTypeCreate",
    "BlockTypeUpdate",
    "DeploymentScheduleCreate",
    "DeploymentUpdate",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
    "LogCreate",
    "VariableCreate",
    "VariableUpdate",
    "WorkPoolCreate",
    "WorkPoolUpdate",
    "WorkQueueUpdate",
]


class GlobalConcurrencyLimitCreate(AntiphonBaseModel):
    """A new limit."""

    name: Name
    limit: NonNegativeInteger
    active: bool = True
    slot_decay_per_second: NonNegativeFloat = 0.0


class GlobalConcurrencyLimitUpdate(AntiphonBaseModel):
    """A change of a limit."""

    name: Name | None = None
    limit: NonNegativeInteger | None = None
    active: bool | None = None
    slot_decay_per_second: NonNegativeFloat | None = None


class WorkPoolCreate(AntiphonBaseModel):
    """A new work pool."""

    name: Name
    type: str = "process"
    description: str | None = None
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None


class WorkPoolUpdate(AntiphonBaseModel):
    """A change of a work pool."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: dict[str, Any] | None = None
    concurrency_limit: NonNegativeInteger | None = None


class WorkQueueUpdate(AntiphonBaseModel):
    """A change of a work queue."""

    name: str | None = None
    description: str | None = None
    is_paused: bool | None = None
    concurrency_limit: NonNegativeInteger | None = None
    priority: PositiveInteger | None = None


class ArtifactCreate(AntiphonBaseModel):
    """A new artifact."""

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(AntiphonBaseModel):
    """A change of an artifact."""

    data: Any = None
    description: str | None = None
    metadata_: dict[str, str] | None = None


class VariableCreate(AntiphonBaseModel):
    """A new variable."""

    name: str
    value: StrictVariableValue
    tags: list[str] | None = None


class VariableUpdate(AntiphonBaseModel):
    """A change of the variable of that name."""

    name: str
    value: StrictVariableValue = None
    tags: list[str] | None = None


class LogCreate(AntiphonBaseModel):
    """A line to store."""

    name: str
    #: As in Python's logging: INFO is 20.
    level: int
    message: str
    timestamp: UtcDateTime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class DeploymentScheduleCreate(AntiphonBaseModel):
    """A new schedule of a deployment."""

    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: PositiveInteger | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None


class DeploymentUpdate(AntiphonBaseModel):
    """A change of a deployment."""

    name: str | None = None
    paused: bool | None = None
    concurrency_limit: NonNegativeInteger | None = None
    concurrency_options: ConcurrencyOptions | None = None
    tags: list[str] | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    version: str | None = None
    description: str | None = None
    #: They become what is given: those that are there and not among them are deleted.
    schedules: list[DeploymentScheduleCreate] | None = None
    parameters: dict[str, Any] | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    enforce_parameter_schema: bool | None = None
    path: str | None = None
    entrypoint: str | None = None
    pull_steps: list[dict[str, Any]] | None = None
    job_variables: dict[str, Any] | None = None

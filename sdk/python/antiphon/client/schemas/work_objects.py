"""Deployments, work pools and queues, and limits."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from antiphon.client.schemas.bases import AntiphonBaseModel, ObjectBaseModel
from antiphon.client.schemas.schedules import SCHEDULE_TYPES
from antiphon.types import KeyValueLabelsField, NonNegativeInteger, PositiveInteger

__all__ = [
    "ConcurrencyLeaseHolder",
    "ConcurrencyLimit",
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "ConcurrencyOptions",
    "Deployment",
    "DeploymentSchedule",
    "DeploymentStatus",
    "GlobalConcurrencyLimit",
    "VersionInfo",
    "WorkPool",
    "WorkPoolStatus",
    "WorkQueue",
    "WorkQueueStatus",
    "Worker",
    "WorkerStatus",
]


class WorkPoolStatus(StrEnum):
    """Whether workers take runs from a pool."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class WorkQueueStatus(StrEnum):
    """Whether workers take runs from a queue."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class WorkerStatus(StrEnum):
    """Whether a worker is heard of."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class DeploymentStatus(StrEnum):
    """Whether a deployment's runs are taken."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    DISABLED = "DISABLED"


class ConcurrencyLimitStrategy(StrEnum):
    """What becomes of a run whose deployment has no slot free."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptions(AntiphonBaseModel):
    """How a deployment's limit works."""

    collision_strategy: ConcurrencyLimitStrategy
    #: How long a claimed run may be PENDING before its slot is given back.
    grace_period_seconds: int | None = Field(default=None, ge=60, le=86_400)


class ConcurrencyLimitConfig(AntiphonBaseModel):
    """A deployment's limit and how it works."""

    limit: int
    collision_strategy: ConcurrencyLimitStrategy = ConcurrencyLimitStrategy.ENQUEUE
    grace_period_seconds: int | None = Field(default=None, ge=60, le=86_400)


class VersionInfo(AntiphonBaseModel):
    """What a version of a deployment is: how it was found out, its name, and more that is known of it."""

    model_config = ConfigDict(extra="allow")

    #: Such as `vcs:git`.
    type: str
    version: str


class ConcurrencyLeaseHolder(AntiphonBaseModel):
    """Who holds slots of a limit."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class DeploymentSchedule(ObjectBaseModel):
    """One of the schedules of a deployment."""

    deployment_id: UUID | None = None
    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: PositiveInteger | None = None
    #: Arguments of its runs that differ from the deployment's.
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None


class Deployment(ObjectBaseModel):
    """A flow as it is meant to run."""

    name: str
    flow_id: UUID
    version: str | None = None
    description: str | None = None
    paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    schedules: list[DeploymentSchedule] = Field(default_factory=list)
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    tags: list[str] = Field(default_factory=list)
    labels: KeyValueLabelsField = Field(default_factory=dict)
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    entrypoint: str | None = None
    enforce_parameter_schema: bool = True


class WorkPool(ObjectBaseModel):
    """Queues of work for workers of one type."""

    name: str
    type: str
    description: str | None = None
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    status: WorkPoolStatus | None = None
    active_slots: int | None = None
    default_queue_id: UUID | None = None


class WorkQueue(ObjectBaseModel):
    """One queue of a work pool."""

    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    #: 1 is served first.
    priority: PositiveInteger = 1
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    last_polled: datetime | None = None
    status: WorkQueueStatus | None = None
    active_slots: int | None = None


class Worker(ObjectBaseModel):
    """Somebody who takes the runs of a work pool."""

    name: str
    work_pool_id: UUID
    last_heartbeat_time: datetime | None = None
    #: Workers are heard of by their connection, and in no interval.
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE


class ConcurrencyLimit(ObjectBaseModel):
    """A bound on the task runs of one tag."""

    tag: str
    concurrency_limit: int
    #: The task runs that hold a slot.
    active_slots: list[UUID] = Field(default_factory=list)


class GlobalConcurrencyLimit(ObjectBaseModel):
    """A named bound on whoever asks for its slots."""

    name: str
    limit: int
    active: bool = True
    active_slots: int = 0
    slot_decay_per_second: float = 0.0

"""Answers of the server that are more than an object."""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from antiphon.client.schemas.bases import AntiphonBaseModel, StateField
from antiphon.client.schemas.objects import (
    ConcurrencyOptions,
    Deployment,
    DeploymentStatus,
    FlowRun,
    GlobalConcurrencyLimit,
)

__all__ = [
    "ConcurrencyLimitWithLeaseResponse",
    "DeploymentResponse",
    "GlobalConcurrencyLimitResponse",
    "MinimalConcurrencyLimitResponse",
    "OrchestrationResult",
    "SetStateStatus",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateRejectDetails",
    "StateResponseDetails",
    "StateWaitDetails",
    "WorkerFlowRunResponse",
]


class SetStateStatus(StrEnum):
    """What the policy says of a state that was proposed."""

    ACCEPT = "ACCEPT"
    #: The run is in another state than the proposed one.
    REJECT = "REJECT"
    #: Nothing was written, and whoever proposed it must stop working on the run.
    ABORT = "ABORT"
    #: Not yet: propose it again.
    WAIT = "WAIT"


class StateAcceptDetails(AntiphonBaseModel):
    """Nothing more is to be said."""

    type: Literal["accept_details"] = "accept_details"


class StateRejectDetails(AntiphonBaseModel):
    """Why another state holds."""

    type: Literal["reject_details"] = "reject_details"
    reason: str | None = None


class StateAbortDetails(AntiphonBaseModel):
    """Why nothing was written."""

    type: Literal["abort_details"] = "abort_details"
    reason: str | None = None


class StateWaitDetails(AntiphonBaseModel):
    """Why and how long to wait before it is proposed again."""

    type: Literal["wait_details"] = "wait_details"
    delay_seconds: int
    reason: str | None = None


StateResponseDetails: TypeAlias = Annotated[
    StateAcceptDetails | StateRejectDetails | StateAbortDetails | StateWaitDetails, Field(discriminator="type")
]


class OrchestrationResult(AntiphonBaseModel):
    """What became of a state that was proposed: `state` is the one that holds now."""

    state: StateField | None
    status: SetStateStatus
    details: StateResponseDetails


class DeploymentResponse(Deployment):
    """A deployment, with what the server knows around it."""

    concurrency_options: ConcurrencyOptions | None = None
    work_pool_name: str | None = None
    status: DeploymentStatus | None = None


class WorkerFlowRunResponse(AntiphonBaseModel):
    """A run that waits for a worker, and where."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun


class GlobalConcurrencyLimitResponse(GlobalConcurrencyLimit):
    """A limit as it is now."""


class MinimalConcurrencyLimitResponse(AntiphonBaseModel):
    """A limit of which slots were taken."""

    id: UUID
    name: str
    limit: int


class ConcurrencyLimitWithLeaseResponse(AntiphonBaseModel):
    """Slots that were taken: their lease, and the limits that bound them."""

    lease_id: UUID
    limits: list[MinimalConcurrencyLimitResponse]

"""Flows, runs, what runs were told and what they wrote."""

import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from antiphon.client.schemas.bases import AntiphonBaseModel, ObjectBaseModel, StateField
from antiphon.naming import generate_run_name
from antiphon.state_core import StateType
from antiphon.types import KeyValueLabelsField

__all__ = [
    "Constant",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "FlowRunResult",
    "Log",
    "Parameter",
    "RunInput",
    "RunType",
    "TaskInput",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
]


class RunType(StrEnum):
    """What runs."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"


class Flow(ObjectBaseModel):
    """A flow: a name under which runs are kept."""

    name: str
    tags: list[str] = Field(default_factory=list)
    labels: KeyValueLabelsField = Field(default_factory=dict)


class FlowRunPolicy(AntiphonBaseModel):
    """How often and how soon a flow run is tried again, and what is remembered of its pauses."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | float | list[int] | list[float] | None = None
    pause_keys: set[str] | None = Field(default_factory=set)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None


class TaskRunPolicy(AntiphonBaseModel):
    """How often and how soon a task run is tried again."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | float | list[int] | list[float] | None = None
    retry_jitter_factor: float | None = None


class RunInput(AntiphonBaseModel):
    """Where an argument of a task run came from."""

    input_type: str


class TaskRunResult(RunInput):
    """The result of another task run."""

    input_type: Literal["task_run"] = "task_run"
    id: UUID


class FlowRunResult(RunInput):
    """The result of a flow run."""

    input_type: Literal["flow_run"] = "flow_run"
    id: UUID


class Parameter(RunInput):
    """A parameter of the flow run."""

    input_type: Literal["parameter"] = "parameter"
    name: str


class Constant(RunInput):
    """A constant of this type."""

    input_type: Literal["constant"] = "constant"
    type: str


TaskInput: TypeAlias = TaskRunResult | FlowRunResult | Parameter | Constant


class _Run(ObjectBaseModel):
    """What flow runs and task runs have in common."""

    name: str = Field(default_factory=generate_run_name)
    tags: list[str] = Field(default_factory=list)
    labels: KeyValueLabelsField = Field(default_factory=dict)
    #: How often the run has entered RUNNING.
    run_count: int = 0
    expected_start_time: datetime | None = None
    #: Set while the run is SCHEDULED.
    next_scheduled_start_time: datetime | None = None
    #: First entry into RUNNING.
    start_time: datetime | None = None
    #: Entry into the final state.
    end_time: datetime | None = None
    #: Time in RUNNING; the current stretch is not in it.
    total_run_time: timedelta = timedelta(0)
    #: The same with the current stretch, at the time of reading.
    estimated_run_time: timedelta = timedelta(0)
    #: How much later than meant the run started, or how late it was at the time of reading. Never negative.
    estimated_start_time_delta: timedelta = timedelta(0)
    state_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    state: StateField | None = None


class FlowRun(_Run):
    """One execution of a flow, through all its attempts."""

    flow_id: UUID
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    flow_version: str | None = None
    #: The arguments; empty where they cannot be said in JSON.
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    #: The task run that stands for this one in its parent.
    parent_task_run_id: UUID | None = None
    auto_scheduled: bool = False
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None


class TaskRun(_Run):
    """One execution of a task, through all its attempts."""

    task_key: str
    dynamic_key: str
    flow_run_id: UUID | None = None
    task_version: str | None = None
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    #: Under "upstream", the task runs whose results it takes or that it waits for.
    task_inputs: dict[str, list[TaskInput]] = Field(default_factory=dict)
    #: The flow run's `run_count` when this run was last RUNNING.
    flow_run_run_count: int = 0


class FlowRunInput(ObjectBaseModel):
    """What somebody told a flow run."""

    flow_run_id: UUID
    key: str
    #: JSON.
    value: str
    sender: str | None = None

    @property
    def decoded_value(self) -> Any:
        """What the JSON of `value` says."""
        return json.loads(self.value)


class Log(ObjectBaseModel):
    """One line that a run wrote."""

    #: The logger's.
    name: str
    #: As in Python's logging: INFO is 20.
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

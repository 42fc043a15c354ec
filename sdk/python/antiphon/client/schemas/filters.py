"""Filters of lists. What is not given filters nothing; what is given counts together, as `operator` says.

    FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=["FAILED", "CRASHED"])))

- `any_` lists what a value may be, `not_any_` what it may not; of lists such as tags `any_` asks for one of them and
  `all_` for each. An empty `any_` lets nothing through.
- `like_` asks for texts that contain it (case counts), `startswith_` for those that begin with one of a list.
- `before_` and `after_` are times, `ge_` and `le_` numbers; all take in the bound itself.
- `is_null_` asks whether a value is not set (of tags: whether there are none), `exists_` the opposite.
"""

from uuid import UUID

from antiphon.client.schemas.bases import AntiphonBaseModel
from antiphon.client.schemas.filter_bases import (
    AllTags,
    Ids,
    Names,
    NamesLike,
    Operator,
    OperatorMixin,
    OptionalTimes,
    Tags,
    Times,
)
from antiphon.client.schemas.shown_filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterFlowRunId,
    ArtifactCollectionFilterKey,
    ArtifactCollectionFilterLatestId,
    ArtifactCollectionFilterTaskRunId,
    ArtifactCollectionFilterType,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterId,
    ArtifactFilterKey,
    ArtifactFilterTaskRunId,
    ArtifactFilterType,
    VariableFilter,
    VariableFilterId,
    VariableFilterName,
    VariableFilterTags,
)
from antiphon.client.schemas.work_objects import WorkerStatus
from antiphon.state_core import StateType

__all__ = [
    "ArtifactCollectionFilter",
    "ArtifactCollectionFilterFlowRunId",
    "ArtifactCollectionFilterKey",
    "ArtifactCollectionFilterLatestId",
    "ArtifactCollectionFilterTaskRunId",
    "ArtifactCollectionFilterType",
    "ArtifactFilter",
    "ArtifactFilterFlowRunId",
    "ArtifactFilterId",
    "ArtifactFilterKey",
    "ArtifactFilterTaskRunId",
    "ArtifactFilterType",
    "DeploymentFilter",
    "DeploymentFilterConcurrencyLimit",
    "DeploymentFilterId",
    "DeploymentFilterName",
    "DeploymentFilterTags",
    "DeploymentFilterWorkQueueName",
    "FilterSet",
    "FlowFilter",
    "FlowFilterId",
    "FlowFilterName",
    "FlowFilterTags",
    "FlowRunFilter",
    "FlowRunFilterDeploymentId",
    "FlowRunFilterEndTime",
    "FlowRunFilterExpectedStartTime",
    "FlowRunFilterFlowVersion",
    "FlowRunFilterId",
    "FlowRunFilterIdempotencyKey",
    "FlowRunFilterName",
    "FlowRunFilterNextScheduledStartTime",
    "FlowRunFilterParentFlowRunId",
    "FlowRunFilterParentTaskRunId",
    "FlowRunFilterStartTime",
    "FlowRunFilterState",
    "FlowRunFilterStateName",
    "FlowRunFilterStateType",
    "FlowRunFilterTags",
    "FlowRunFilterWorkQueueName",
    "LogFilter",
    "LogFilterFlowRunId",
    "LogFilterLevel",
    "LogFilterName",
    "LogFilterTaskRunId",
    "LogFilterTextSearch",
    "LogFilterTimestamp",
    "Operator",
    "OperatorMixin",
    "TaskRunFilter",
    "TaskRunFilterEndTime",
    "TaskRunFilterFlowRunId",
    "TaskRunFilterId",
    "TaskRunFilterName",
    "TaskRunFilterStartTime",
    "TaskRunFilterState",
    "TaskRunFilterStateName",
    "TaskRunFilterStateType",
    "TaskRunFilterSubFlowRuns",
    "TaskRunFilterTags",
    "VariableFilter",
    "VariableFilterId",
    "VariableFilterName",
    "VariableFilterTags",
    "WorkPoolFilter",
    "WorkPoolFilterId",
    "WorkPoolFilterName",
    "WorkPoolFilterType",
    "WorkQueueFilter",
    "WorkQueueFilterId",
    "WorkQueueFilterName",
    "WorkerFilter",
    "WorkerFilterLastHeartbeatTime",
    "WorkerFilterStatus",
]


class FlowFilterId(Ids): ...


class FlowFilterName(NamesLike): ...


class FlowFilterTags(AllTags): ...


class FlowFilter(OperatorMixin):
    """Which flows."""

    id: FlowFilterId | None = None
    name: FlowFilterName | None = None
    tags: FlowFilterTags | None = None


class FlowRunFilterId(Ids):
    not_any_: list[UUID] | None = None


class FlowRunFilterName(NamesLike): ...


class FlowRunFilterTags(Tags): ...


class FlowRunFilterDeploymentId(OperatorMixin):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterWorkQueueName(OperatorMixin):
    any_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilterStateType(AntiphonBaseModel):
    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class FlowRunFilterStateName(AntiphonBaseModel):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterState(OperatorMixin):
    type: FlowRunFilterStateType | None = None
    name: FlowRunFilterStateName | None = None


class FlowRunFilterFlowVersion(Names): ...


class FlowRunFilterStartTime(OptionalTimes): ...


class FlowRunFilterEndTime(OptionalTimes): ...


class FlowRunFilterExpectedStartTime(Times): ...


class FlowRunFilterNextScheduledStartTime(Times): ...


class FlowRunFilterParentFlowRunId(OperatorMixin):
    any_: list[UUID] | None = None


class FlowRunFilterParentTaskRunId(OperatorMixin):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterIdempotencyKey(AntiphonBaseModel):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilter(OperatorMixin):
    """Which flow runs."""

    id: FlowRunFilterId | None = None
    name: FlowRunFilterName | None = None
    tags: FlowRunFilterTags | None = None
    deployment_id: FlowRunFilterDeploymentId | None = None
    work_queue_name: FlowRunFilterWorkQueueName | None = None
    state: FlowRunFilterState | None = None
    flow_version: FlowRunFilterFlowVersion | None = None
    start_time: FlowRunFilterStartTime | None = None
    end_time: FlowRunFilterEndTime | None = None
    expected_start_time: FlowRunFilterExpectedStartTime | None = None
    next_scheduled_start_time: FlowRunFilterNextScheduledStartTime | None = None
    parent_flow_run_id: FlowRunFilterParentFlowRunId | None = None
    parent_task_run_id: FlowRunFilterParentTaskRunId | None = None
    idempotency_key: FlowRunFilterIdempotencyKey | None = None


class TaskRunFilterFlowRunId(AntiphonBaseModel):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class TaskRunFilterId(Ids): ...


class TaskRunFilterName(NamesLike): ...


class TaskRunFilterTags(AllTags): ...


class TaskRunFilterStateType(AntiphonBaseModel):
    any_: list[StateType] | None = None


class TaskRunFilterStateName(Names): ...


class TaskRunFilterState(OperatorMixin):
    type: TaskRunFilterStateType | None = None
    name: TaskRunFilterStateName | None = None


class TaskRunFilterSubFlowRuns(AntiphonBaseModel):
    """Whether a task run stands for a flow run."""

    exists_: bool | None = None


class TaskRunFilterStartTime(OptionalTimes): ...


class TaskRunFilterEndTime(OptionalTimes): ...


class TaskRunFilter(OperatorMixin):
    """Which task runs."""

    id: TaskRunFilterId | None = None
    name: TaskRunFilterName | None = None
    tags: TaskRunFilterTags | None = None
    state: TaskRunFilterState | None = None
    start_time: TaskRunFilterStartTime | None = None
    end_time: TaskRunFilterEndTime | None = None
    subflow_runs: TaskRunFilterSubFlowRuns | None = None
    flow_run_id: TaskRunFilterFlowRunId | None = None


class DeploymentFilterId(Ids):
    not_any_: list[UUID] | None = None


class DeploymentFilterName(NamesLike): ...


class DeploymentFilterWorkQueueName(Names): ...


class DeploymentFilterTags(Tags): ...


class DeploymentFilterConcurrencyLimit(AntiphonBaseModel):
    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class DeploymentFilter(OperatorMixin):
    """Which deployments."""

    id: DeploymentFilterId | None = None
    name: DeploymentFilterName | None = None
    tags: DeploymentFilterTags | None = None
    work_queue_name: DeploymentFilterWorkQueueName | None = None
    concurrency_limit: DeploymentFilterConcurrencyLimit | None = None


class LogFilterName(Names): ...


class LogFilterLevel(AntiphonBaseModel):
    ge_: int | None = None
    le_: int | None = None


class LogFilterTimestamp(Times): ...


class LogFilterFlowRunId(Ids): ...


class LogFilterTaskRunId(AntiphonBaseModel):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class LogFilterTextSearch(AntiphonBaseModel):
    """Lines with any of the words of `query`, without those after `-` or `!`, and with each after `+`.

    A phrase in double quotes is one word. Case counts.
    """

    query: str


class LogFilter(OperatorMixin):
    """Which lines."""

    name: LogFilterName | None = None
    level: LogFilterLevel | None = None
    timestamp: LogFilterTimestamp | None = None
    flow_run_id: LogFilterFlowRunId | None = None
    task_run_id: LogFilterTaskRunId | None = None
    text: LogFilterTextSearch | None = None


class WorkQueueFilterId(Ids): ...


class WorkQueueFilterName(Names):
    startswith_: list[str] | None = None


class WorkQueueFilter(OperatorMixin):
    """Which work queues."""

    id: WorkQueueFilterId | None = None
    name: WorkQueueFilterName | None = None


class WorkerFilterLastHeartbeatTime(Times): ...


class WorkerFilterStatus(AntiphonBaseModel):
    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


class WorkerFilter(OperatorMixin):
    """Which workers of a pool."""

    last_heartbeat_time: WorkerFilterLastHeartbeatTime | None = None
    status: WorkerFilterStatus | None = None


class WorkPoolFilterId(Ids): ...


class WorkPoolFilterName(Names): ...


class WorkPoolFilterType(Names): ...


class WorkPoolFilter(OperatorMixin):
    """Which work pools."""

    id: WorkPoolFilterId | None = None
    name: WorkPoolFilterName | None = None
    type: WorkPoolFilterType | None = None


class FilterSet(AntiphonBaseModel):
    """Filters of several kinds of things that belong together."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None

"""Objects as the server keeps them: flows, runs, deployments, limits, work pools, logs. Ids are UUIDs.

States are the SDK's own `State`, whose ids are texts. Fields that the server does not know yet have their default.
"""

from antiphon.client.schemas.block_objects import BlockDocument, BlockSchema, BlockType
from antiphon.client.schemas.run_objects import (
    Constant,
    Flow,
    FlowRun,
    FlowRunInput,
    FlowRunPolicy,
    FlowRunResult,
    Log,
    Parameter,
    RunInput,
    RunType,
    TaskInput,
    TaskRun,
    TaskRunPolicy,
    TaskRunResult,
)
from antiphon.client.schemas.shown_objects import Artifact, ArtifactCollection, Variable
from antiphon.client.schemas.work_objects import (
    ConcurrencyLeaseHolder,
    ConcurrencyLimit,
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
    ConcurrencyOptions,
    Deployment,
    DeploymentSchedule,
    DeploymentStatus,
    GlobalConcurrencyLimit,
    VersionInfo,
    Worker,
    WorkerStatus,
    WorkPool,
    WorkPoolStatus,
    WorkQueue,
    WorkQueueStatus,
)
from antiphon.state_core import TERMINAL_STATE_TYPES, State, StateDetails, StateType

__all__ = [
    "TERMINAL_STATES",
    "Artifact",
    "ArtifactCollection",
    "BlockDocument",
    "BlockSchema",
    "BlockType",
    "ConcurrencyLeaseHolder",
    "ConcurrencyLimit",
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "ConcurrencyOptions",
    "Constant",
    "Deployment",
    "DeploymentSchedule",
    "DeploymentStatus",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "FlowRunResult",
    "GlobalConcurrencyLimit",
    "Log",
    "Parameter",
    "RunInput",
    "RunType",
    "State",
    "StateDetails",
    "StateType",
    "TaskInput",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
    "Variable",
    "VersionInfo",
    "WorkPool",
    "WorkPoolStatus",
    "WorkQueue",
    "WorkQueueStatus",
    "Worker",
    "WorkerStatus",
]

TERMINAL_STATES = TERMINAL_STATE_TYPES

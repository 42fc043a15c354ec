"""What each command prints with `--json`: a message of the contract, a list of them, or an object of these."""

from dataclasses import dataclass
from typing import Any

from antiphon.v1 import (
    admin_service_pb2,
    artifact_pb2,
    block_pb2,
    block_service_pb2,
    concurrency_limit_pb2,
    deployment_pb2,
    deployment_service_pb2,
    flow_pb2,
    flow_run_command_pb2,
    flow_run_pb2,
    flow_run_service_pb2,
    log_pb2,
    operation_pb2,
    schedule_pb2,
    schedule_service_pb2,
    state_pb2,
    task_run_pb2,
    transition_service_pb2,
    variable_pb2,
    watch_service_pb2,
    work_pool_pb2,
    worker_pb2,
)


@dataclass(frozen=True)
class Either:
    """One of several shapes, by what was asked."""

    shapes: tuple[Any, ...]


@dataclass(frozen=True)
class Lines:
    """A document a line."""

    shape: Any


def either(*shapes: Any) -> Either:
    return Either(shapes)


_DEPLOYMENT = deployment_pb2.Deployment
_SCHEDULE = schedule_pb2.Schedule
_CALENDAR = schedule_pb2.Calendar
_RUN = flow_run_pb2.FlowRun
_OPERATION = operation_pb2.Operation
_LIMIT = concurrency_limit_pb2.ConcurrencyLimit
_POOL = work_pool_pb2.WorkPool
_QUEUE = work_pool_pb2.WorkQueue
_VARIABLE = variable_pb2.Variable
_DOCUMENT = block_pb2.BlockDocument
_RUNS = either(_RUN, [_RUN], _OPERATION)
_LIMIT_IN_USE = {
    "concurrency_limit": _LIMIT,
    "slots": [concurrency_limit_pb2.Slot],
    "slot_waiters": [concurrency_limit_pb2.SlotWaiter],
}
_PROFILE = {"name": str, "active": bool}
_CONFIGURED = {"profile": str, "path": str, "names": [str]}
_ANSWER = {
    "question": str,
    "request": transition_service_pb2.ExplainTransitionRequest,
    "response": transition_service_pb2.ExplainTransitionResponse,
}
_COPY = {
    "path": str,
    "size": int,
    "schema_revision": str,
    "rows": {"flows": int, "flow_runs": int, "task_runs": int, "deployments": int, "block_documents": int},
    "secrets": int,
}

#: A type of Python stands for its kind of JSON, `object` for any, None for null.
SHAPES: dict[str, Any] = {
    "artifact delete": [artifact_pb2.Artifact],
    "artifact inspect": [artifact_pb2.Artifact],
    "artifact ls": [artifact_pb2.Artifact],
    "block create": _DOCUMENT,
    "block delete": _DOCUMENT,
    "block inspect": block_service_pb2.GetBlockDocumentResponse,
    "block ls": [_DOCUMENT],
    "block register": [str],
    "block type delete": block_pb2.BlockType,
    "block type inspect": {"block_type": block_pb2.BlockType, "block_schema": either(block_pb2.BlockSchema, None)},
    "block type ls": [block_pb2.BlockType],
    "calendar create": _CALENDAR,
    "calendar delete": _CALENDAR,
    "calendar inspect": _CALENDAR,
    "calendar ls": [_CALENDAR],
    "calendar update": _CALENDAR,
    "concurrency-limit create": _LIMIT,
    "concurrency-limit delete": _LIMIT,
    "concurrency-limit inspect": _LIMIT_IN_USE,
    "concurrency-limit ls": [_LIMIT],
    "concurrency-limit reset": _LIMIT,
    "config set": _CONFIGURED,
    "config unset": _CONFIGURED,
    "config validate": {"valid": bool},
    "config view": [{"name": str, "value": object, "source": str}],
    "deploy": [
        {
            "name": str,
            "status": str,
            "changes": [{"field": str, "before": object, "after": object}],
            "deployment": either(_DEPLOYMENT, None),
            "error": either(str, None),
        }
    ],
    "deployment backfill": either(_OPERATION, deployment_service_pb2.BackfillDeploymentResponse),
    "deployment delete": either(_DEPLOYMENT, [_DEPLOYMENT]),
    "deployment inspect": _DEPLOYMENT,
    "deployment ls": either([_DEPLOYMENT], Lines(watch_service_pb2.WatchDeploymentsResponse)),
    "deployment pause": _DEPLOYMENT,
    "deployment resume": _DEPLOYMENT,
    "deployment rollback": _DEPLOYMENT,
    "deployment run": either(_RUN, Lines(flow_run_service_pb2.WatchFlowRunResponse)),
    "deployment schedule clear": [_SCHEDULE],
    "deployment schedule create": _SCHEDULE,
    "deployment schedule delete": _SCHEDULE,
    "deployment schedule ls": [_SCHEDULE],
    "deployment schedule pause": [_SCHEDULE],
    "deployment schedule preview": [schedule_service_pb2.SchedulePreview],
    "deployment schedule resume": [_SCHEDULE],
    "deployment schedule update": _SCHEDULE,
    "deployment versions": [deployment_pb2.DeploymentVersion],
    "flow ls": [flow_pb2.Flow],
    "flow-run cancel": _RUNS,
    "flow-run delete": _RUNS,
    "flow-run explain": {
        "flow_run": _RUN,
        "answers": [_ANSWER],
        "commands": [flow_run_command_pb2.FlowRunCommand],
        "sessions": [admin_service_pb2.Session],
        "running_task_runs": [task_run_pb2.TaskRun],
        "waiting_task_runs": [{"task_run": task_run_pb2.TaskRun, "answer": either(_ANSWER, None)}],
    },
    "flow-run inspect": {"flow_run": _RUN, "states": [state_pb2.State], "task_runs": [task_run_pb2.TaskRun]},
    "flow-run logs": either([log_pb2.Log], Lines(log_pb2.Log)),
    "flow-run ls": either([_RUN], Lines(watch_service_pb2.WatchFlowRunsResponse)),
    "flow-run pause": _RUN,
    "flow-run resume": _RUN,
    "flow-run retry": _RUNS,
    "flow-run set-state": _RUNS,
    "flow-run suspend": _RUN,
    "flow-run watch": Lines(flow_run_service_pb2.WatchFlowRunResponse),
    "global-concurrency-limit create": _LIMIT,
    "global-concurrency-limit delete": _LIMIT,
    "global-concurrency-limit disable": _LIMIT,
    "global-concurrency-limit enable": _LIMIT,
    "global-concurrency-limit inspect": _LIMIT_IN_USE,
    "global-concurrency-limit ls": [_LIMIT],
    "global-concurrency-limit update": _LIMIT,
    "init": {"files": [str]},
    "operation cancel": _OPERATION,
    "operation inspect": _OPERATION,
    "operation ls": [_OPERATION],
    "operation watch": Lines(_OPERATION),
    "profile create": _PROFILE,
    "profile delete": _PROFILE,
    "profile inspect": object,
    "profile ls": [_PROFILE],
    "profile populate-defaults": [_PROFILE],
    "profile rename": _PROFILE,
    "profile use": _PROFILE,
    "server backup": {**_COPY, "key_file": either(str, None)},
    "server doctor": {
        "healthy": bool,
        "findings": [admin_service_pb2.DiagnosticFinding],
        "servers": [{"target": str, "server_info": either(admin_service_pb2.ServerInfo, None)}],
        "checks": [str],
    },
    "server restore": {
        **_COPY,
        "database": str,
        "replaced": either(str, None),
        "upgraded_to": either(str, None),
        "unreadable_secrets": int,
    },
    "server services ls": [admin_service_pb2.BackgroundService],
    "server start": {"process_id": int, "addresses": [str]},
    "server status": {
        "target": str,
        "server_info": admin_service_pb2.ServerInfo,
        "sessions": [admin_service_pb2.Session],
    },
    "server stop": {"target": str, "process_id": int, "stopped": bool},
    "task-run inspect": {"task_run": task_run_pb2.TaskRun, "states": [state_pb2.State]},
    "task-run logs": [log_pb2.Log],
    "task-run ls": [task_run_pb2.TaskRun],
    "variable inspect": _VARIABLE,
    "variable ls": [_VARIABLE],
    "variable set": _VARIABLE,
    "variable unset": _VARIABLE,
    "version": {"version": str, "python_version": str},
    "work-pool clear-concurrency-limit": _POOL,
    "work-pool create": _POOL,
    "work-pool delete": _POOL,
    "work-pool inspect": _POOL,
    "work-pool ls": [_POOL],
    "work-pool pause": _POOL,
    "work-pool preview": [_RUN],
    "work-pool resume": _POOL,
    "work-pool set-concurrency-limit": _POOL,
    "work-pool slots": _LIMIT_IN_USE,
    "work-pool update": _POOL,
    "work-queue clear-concurrency-limit": _QUEUE,
    "work-queue create": _QUEUE,
    "work-queue delete": _QUEUE,
    "work-queue inspect": _QUEUE,
    "work-queue ls": [_QUEUE],
    "work-queue pause": _QUEUE,
    "work-queue preview": [_RUN],
    "work-queue read-runs": [_RUN],
    "work-queue resume": _QUEUE,
    "work-queue set-concurrency-limit": _QUEUE,
    "work-queue slots": _LIMIT_IN_USE,
    "worker delete": worker_pb2.Worker,
    "worker inspect": worker_pb2.Worker,
    "worker ls": either([worker_pb2.Worker], Lines(watch_service_pb2.WatchWorkersResponse)),
}

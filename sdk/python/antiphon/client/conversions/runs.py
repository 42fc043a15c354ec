"""Flows, runs, their inputs and their logs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from antiphon.client.conversions.values import optional_time, optional_uuid, read_json, read_json_object, read_json_text
from antiphon.client.schemas.objects import (
    Flow,
    FlowRun,
    FlowRunInput,
    FlowRunPolicy,
    Log,
    TaskRun,
    TaskRunPolicy,
    TaskRunResult,
)
from antiphon.state_core import State
from antiphon.state_protos import from_proto
from antiphon.timestamps import read_timestamp
from antiphon.v1 import flow_pb2, flow_run_input_pb2, flow_run_pb2, log_pb2, task_run_pb2
from antiphon.v1.retry_policy_pb2 import RetryPolicy

__all__ = ["flow_from", "flow_run_from", "flow_run_input_from", "log_from", "task_run_from"]


def flow_from(proto: flow_pb2.Flow) -> Flow:
    """Return a flow."""
    return Flow(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        tags=list(proto.tags),
    )


def flow_run_from(proto: flow_run_pb2.FlowRun) -> FlowRun:
    """Return a flow run."""
    state = from_proto(proto.state, flow_run_id=proto.id) if proto.HasField("state") else None
    policy = FlowRunPolicy(**_retries(proto.retry_policy), pause_keys=set(proto.pause_keys), resuming=proto.resuming)
    return FlowRun(
        **_shared(proto, state),
        flow_id=UUID(proto.flow_id),
        deployment_id=optional_uuid(proto.deployment_id),
        work_queue_id=optional_uuid(proto.work_queue_id),
        flow_version=proto.flow_version or None,
        parameters=read_json_object(proto.parameters),
        idempotency_key=proto.idempotency_key or None,
        empirical_policy=policy,
        parent_task_run_id=optional_uuid(proto.parent_task_run_id),
        auto_scheduled=proto.auto_scheduled,
        infrastructure_pid=proto.infrastructure_pid or None,
        job_variables=read_json(proto.job_variables),
    )


def task_run_from(proto: task_run_pb2.TaskRun) -> TaskRun:
    """Return a task run."""
    state = from_proto(proto.state, task_run_id=proto.id) if proto.HasField("state") else None
    if state is not None and proto.flow_run_id:
        state.state_details.flow_run_id = proto.flow_run_id
    retries = _retries(proto.retry_policy)
    upstream = [TaskRunResult(id=UUID(each)) for each in proto.upstream_task_run_ids]
    return TaskRun(
        **_shared(proto, state),
        task_key=proto.task_key,
        dynamic_key=proto.dynamic_key,
        flow_run_id=optional_uuid(proto.flow_run_id),
        task_version=proto.task_version or None,
        cache_key=state.state_details.cache_key if state is not None else None,
        cache_expiration=state.state_details.cache_expiration if state is not None else None,
        empirical_policy=TaskRunPolicy(**retries, retry_jitter_factor=proto.retry_policy.jitter_factor or None),
        task_inputs={"upstream": list(upstream)} if upstream else {},
        flow_run_run_count=proto.flow_run_run_count,
    )


def flow_run_input_from(proto: flow_run_input_pb2.FlowRunInput) -> FlowRunInput:
    """Return what a flow run was told. It has no id of its own: that is made of the run's and the key."""
    return FlowRunInput(
        id=uuid5(NAMESPACE_OID, f"{proto.flow_run_id}/{proto.key}"),
        created=optional_time(proto, "create_time"),
        flow_run_id=UUID(proto.flow_run_id),
        key=proto.key,
        value=read_json_text(proto.value),
        sender=proto.sender or None,
    )


def log_from(proto: log_pb2.Log) -> Log:
    """Return a line."""
    return Log(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        name=proto.logger,
        level=proto.level,
        message=proto.message,
        timestamp=read_timestamp(proto.create_time),
        flow_run_id=optional_uuid(proto.flow_run_id),
        task_run_id=optional_uuid(proto.task_run_id),
    )


def _shared(proto: flow_run_pb2.FlowRun | task_run_pb2.TaskRun, state: State | None) -> dict[str, Any]:
    """What flow runs and task runs have in common."""
    now = datetime.now(UTC)
    total = proto.total_run_time.ToTimedelta()
    running = state is not None and state.is_running()
    start, expected = optional_time(proto, "start_time"), optional_time(proto, "expected_start_time")
    ended = state is not None and state.is_final()
    late = (start or now) - expected if expected is not None and (start is not None or not ended) else timedelta(0)
    return {
        "id": UUID(proto.id),
        "created": optional_time(proto, "create_time"),
        "updated": optional_time(proto, "update_time"),
        "name": proto.name,
        "tags": list(proto.tags),
        "run_count": proto.run_count,
        "expected_start_time": expected,
        "next_scheduled_start_time": optional_time(proto, "next_scheduled_start_time"),
        "start_time": start,
        "end_time": optional_time(proto, "end_time"),
        "total_run_time": total,
        "estimated_run_time": total + max(timedelta(0), now - state.timestamp) if running and state else total,
        "estimated_start_time_delta": max(timedelta(0), late),
        "state": state,
        "state_id": UUID(state.id) if state is not None else None,
        "state_type": state.type if state is not None else None,
        "state_name": state.name if state is not None else None,
    }


def _retries(policy: RetryPolicy) -> dict[str, Any]:
    delays = [each.ToTimedelta().total_seconds() for each in policy.delays]
    return {
        "max_retries": policy.max_retries,
        "retries": policy.max_retries,
        "retry_delay_seconds": delays[0] if delays else 0,
        "retry_delay": delays if len(delays) > 1 else (delays[0] if delays else None),
    }

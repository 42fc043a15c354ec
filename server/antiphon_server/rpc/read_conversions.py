"""Rows to messages. A row is anything with the attributes that storage/sources.py documents."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.v1 import (
    admin_service_pb2,
    flow_pb2,
    flow_run_command_pb2,
    flow_run_input_pb2,
    flow_run_pb2,
    log_pb2,
    retry_policy_pb2,
    state_pb2,
    task_run_pb2,
)
from antiphon_server.domain.decision import Tell
from antiphon_server.wire_times import micros_to_duration, micros_to_timestamp

Record: TypeAlias = Any

_COMMAND_KINDS: Mapping[str, flow_run_command_pb2.FlowRunCommandKind] = {
    Tell.CANCEL.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_CANCEL,
    Tell.REVOKE.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_REVOKE,
    Tell.KILL.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_KILL_INFRASTRUCTURE,
    Tell.PAUSE.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_PAUSE,
    Tell.RESUME.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_RESUME,
    Tell.SUSPEND.value: flow_run_command_pb2.FLOW_RUN_COMMAND_KIND_SUSPEND,
}


def flow_message(row: Record) -> flow_pb2.Flow:
    return flow_pb2.Flow(
        id=row.id,
        name=row.name,
        tags=json.loads(row.tags),
        create_time=micros_to_timestamp(row.create_time),
        update_time=micros_to_timestamp(row.update_time),
        etag=str(row.version),
    )


def flow_run_message(row: Record) -> flow_run_pb2.FlowRun:
    message = flow_run_pb2.FlowRun(
        **_run_fields(row),
        flow_id=row.flow_id,
        flow_name=row.flow_name,
        flow_version=row.flow_version,
        idempotency_key=row.idempotency_key,
        parent_task_run_id=row.parent_task_run_id,
        deployment_id=row.deployment_id,
        work_queue_id=row.work_queue_id,
        infrastructure_pid=row.infrastructure_pid,
        auto_scheduled=row.auto_scheduled,
        schedule_id=row.schedule_id,
        operation_id=row.operation_id,
        deployment_version_number=row.deployment_version,
        job_variables=row.job_variables,
        resuming=row.resuming,
        pause_keys=json.loads(row.pause_keys),
    )
    _read_into(message.parameters, row.parameters)
    _add_current_state(message, row)
    return message


def task_run_message(row: Record) -> task_run_pb2.TaskRun:
    message = task_run_pb2.TaskRun(
        **_run_fields(row),
        flow_run_id=row.flow_run_id,
        task_key=row.task_key,
        dynamic_key=row.dynamic_key,
        task_version=row.task_version,
        upstream_task_run_ids=json.loads(row.upstream_task_run_ids),
        flow_run_run_count=row.flow_run_run_count,
    )
    _read_into(message.parameters, row.parameters)
    _add_current_state(message, row)
    return message


def state_message(row: Record) -> state_pb2.State:
    """For a row of a run's history."""
    message = state_pb2.State(
        id=row.id,
        type=row.state_type,
        name=row.state_name,
        create_time=micros_to_timestamp(row.create_time),
        message=row.message,
    )
    _read_into(message.details, row.details)
    _read_into(message.data, row.data)
    return message


def log_message(row: Record) -> log_pb2.Log:
    return log_pb2.Log(
        id=row.id,
        logger=row.logger,
        level=row.level,
        message=row.message,
        create_time=micros_to_timestamp(row.create_time),
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
    )


def flow_run_input_message(row: Record) -> flow_run_input_pb2.FlowRunInput:
    message = flow_run_input_pb2.FlowRunInput(
        flow_run_id=row.flow_run_id,
        key=row.key,
        sender=row.sender,
        create_time=micros_to_timestamp(row.create_time),
        sequence=row.sequence,
    )
    message.value.MergeFromString(row.value)
    return message


def session_message(row: Record) -> admin_service_pb2.Session:
    return admin_service_pb2.Session(
        id=row.id,
        client=row.client,
        epoch=row.epoch,
        status=row.status,
        sequence=row.sequence,
        create_time=micros_to_timestamp(row.create_time),
        expire_time=micros_to_timestamp(row.expire_time),
    )


def command_message(row: Record) -> flow_run_command_pb2.FlowRunCommand:
    """For a command about a flow run."""
    return flow_run_command_pb2.FlowRunCommand(
        id=row.id,
        flow_run_id=row.flow_run_id,
        session_id=row.session_id,
        kind=_COMMAND_KINDS[row.kind],
        reason=row.reason,
        stage=row.stage,
        message=row.message,
        create_time=micros_to_timestamp(row.create_time),
        update_time=_timestamp(row.update_time),
    )


def _run_fields(row: Record) -> dict[str, Any]:
    """What flow runs and task runs share, besides the state."""
    return {
        "id": row.id,
        "name": row.name,
        "tags": json.loads(row.tags),
        "retry_policy": _retry_policy(row.retry_policy),
        "run_count": row.run_count,
        "traceparent": row.traceparent,
        "start_time": _timestamp(row.start_time),
        "end_time": _timestamp(row.end_time),
        "expected_start_time": _timestamp(row.expected_start_time),
        "next_scheduled_start_time": _timestamp(row.next_scheduled_start_time),
        "total_run_time": micros_to_duration(row.total_run_time),
        "session_id": row.session_id,
        "priority": row.priority,
        "fencing_token": row.fencing_token,
        "deadline_time": _timestamp(row.deadline_time),
        "create_time": micros_to_timestamp(row.create_time),
        "update_time": micros_to_timestamp(row.update_time),
        "etag": str(row.version),
    }


def _add_current_state(message: flow_run_pb2.FlowRun | task_run_pb2.TaskRun, row: Record) -> None:
    if row.state_id is None:
        return
    state = message.state
    state.id = row.state_id
    state.type = row.state_type
    state.name = row.state_name
    state.create_time.CopyFrom(micros_to_timestamp(row.state_time))
    state.message = row.state_message or ""
    _read_into(state.details, row.state_details)
    _read_into(state.data, row.state_data)


def _read_into(message: Message, data: bytes | None) -> None:
    """Fills a field of another message from its stored bytes; it stays absent where nothing is stored."""
    if data is not None:
        message.MergeFromString(data)


def _timestamp(micros: int | None) -> Timestamp | None:
    return None if micros is None else micros_to_timestamp(micros)


def _retry_policy(text: str | None) -> retry_policy_pb2.RetryPolicy | None:
    if text is None:
        return None
    fields = json.loads(text)
    return retry_policy_pb2.RetryPolicy(
        max_retries=fields["max_retries"],
        delays=[micros_to_duration(delay) for delay in fields["delays"]],
        jitter_factor=fields["jitter_factor"],
    )

"""From the wire to what operations are made of, and verdicts back."""

from collections.abc import Iterable

from uuid_utils import uuid7

from antiphon.v1 import (
    flow_run_input_pb2,
    flow_run_pb2,
    log_pb2,
    payload_pb2,
    retry_policy_pb2,
    session_pb2,
    session_service_pb2,
    state_pb2,
    task_run_pb2,
    transition_pb2,
)
from antiphon_server.application.creation import CreateFlowRun, CreateTaskRun, NewRun
from antiphon_server.application.inputs import FlowRunInput
from antiphon_server.application.proposals import digest_of
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.model import RetryPolicy, State
from antiphon_server.domain.states import VerdictKind
from antiphon_server.rpc.status import to_status
from antiphon_server.rpc.validation import check_items
from antiphon_server.wire_details import details_to
from antiphon_server.wire_times import duration_to_micros, micros_to_timestamp, timestamp_to_micros


def new_id() -> str:
    return str(uuid7())


def retry_policy_from(message: retry_policy_pb2.RetryPolicy, run: str) -> RetryPolicy | None:
    """None where nothing would ever be retried. `run` is the field that holds the run, for errors."""
    if message.max_retries == 0:
        return None
    delays = tuple(
        duration_to_micros(delay, f"{run}.retry_policy.delays[{i}]") for i, delay in enumerate(message.delays)
    )
    return RetryPolicy(message.max_retries, delays, message.jitter_factor)


def _new_run(
    message: flow_run_pb2.FlowRun | task_run_pb2.TaskRun, field: str, session_id: str | None, traceparent: str
) -> NewRun:
    return NewRun(
        id=message.id.lower() or new_id(),
        name=message.name,
        tags=list(message.tags),
        retry_policy=retry_policy_from(message.retry_policy, field) if message.HasField("retry_policy") else None,
        priority=message.priority,
        digest=digest_of(message.SerializeToString(deterministic=True)),
        session_id=session_id,
        traceparent=message.traceparent or traceparent,
    )


def flow_run_input_from(message: flow_run_input_pb2.FlowRunInput) -> FlowRunInput:
    return FlowRunInput(
        flow_run_id=message.flow_run_id.lower(),
        key=message.key,
        value=message.value.SerializeToString(deterministic=True),
        sender=message.sender,
    )


def create_flow_run_from(message: flow_run_pb2.FlowRun, session_id: str | None, traceparent: str = "") -> CreateFlowRun:
    """`traceparent` is that of the call, where the message has none."""
    if not message.flow_id and not message.flow_name:
        raise InvalidArgument(
            "FLOW_MISSING",
            "a flow run needs flow_id, or flow_name to find the flow or register it",
            field="flow_run.flow_name",
        )
    return CreateFlowRun(
        _new_run(message, "flow_run", session_id, traceparent),
        message.flow_id.lower(),
        message.flow_name,
        message.flow_version,
        message.parameters.SerializeToString(deterministic=True) if message.HasField("parameters") else None,
        message.idempotency_key or None,
        message.parent_task_run_id.lower() or None,
        message.deployment_id.lower() or None,
        message.work_queue_id.lower() or None,
        message.infrastructure_pid,
        message.auto_scheduled,
    )


def create_task_run_from(message: task_run_pb2.TaskRun, session_id: str | None, traceparent: str = "") -> CreateTaskRun:
    return CreateTaskRun(
        _new_run(message, "task_run", session_id, traceparent),
        message.flow_run_id.lower() or None,
        message.task_key,
        message.dynamic_key,
        message.task_version,
        [id.lower() for id in message.upstream_task_run_ids],
        message.parameters.SerializeToString(deterministic=True) if message.HasField("parameters") else None,
    )


def log_rows(messages: Iterable[log_pb2.Log]) -> list[dict[str, object]]:
    """The lines of a field `logs`."""
    return [_log_row(message, f"logs[{i}]") for i, message in enumerate(messages)]


def sort_lines(
    request: session_service_pb2.UploadRequest,
) -> tuple[list[dict[str, object]], list[session_service_pb2.RefusedLog]]:
    """The lines that keep the rules, and what is wrong with the others. Raises InvalidArgument for too many lines."""
    check = check_items(request, "logs")
    rows, refused = [], []
    for index, message in enumerate(request.logs):
        try:
            if check is not None:
                check(message, f"logs[{index}].")
            rows.append(_log_row(message, f"logs[{index}]"))
        except InvalidArgument as error:
            refused.append(session_service_pb2.RefusedLog(index=index, status=to_status(error)))
    return rows, refused


def _log_row(message: log_pb2.Log, field: str) -> dict[str, object]:
    return {
        "id": message.id.lower() or new_id(),
        "flow_run_id": message.flow_run_id.lower() or None,
        "task_run_id": message.task_run_id.lower() or None,
        "logger": message.logger,
        "level": message.level,
        "message": message.message,
        "create_time": timestamp_to_micros(message.create_time, f"{field}.create_time"),
    }


def state_to(state: State, *, with_data: bool = True) -> state_pb2.State:
    message = state_pb2.State(
        id=state.id,
        type=int(state.type),  # type: ignore[arg-type]
        name=state.name,
        message=state.message,
        create_time=micros_to_timestamp(state.time),
    )
    if state.details is not None:
        message.details.CopyFrom(details_to(state.details))
    if with_data and state.data is not None:
        message.data.CopyFrom(payload_pb2.Payload.FromString(state.data))
    return message


def verdict_to(verdict: Verdict) -> transition_pb2.Verdict:
    """An accepted state travels without its data: the proposer has it."""
    message = transition_pb2.Verdict(
        transition_id=verdict.transition_id,
        kind=int(verdict.kind),  # type: ignore[arg-type]
        reason=verdict.reason,
        run_count=verdict.run_count,
        fencing_token=verdict.fencing_token,
    )
    if verdict.state is not None:
        message.state.CopyFrom(state_to(verdict.state, with_data=verdict.kind is not VerdictKind.ACCEPT))
    for rule, kind, reason, facts, remedy in verdict.findings:
        message.findings.add(rule=rule, kind=kind or 0, reason=reason, facts=facts, remedy=remedy)
    if verdict.wait_until is not None:
        message.wait_until_time.CopyFrom(micros_to_timestamp(verdict.wait_until))
    return message


def command_to(row: dict[str, object]) -> session_pb2.Command:
    """A row of `commands` as the session gets it."""
    command = session_pb2.Command(id=str(row["id"]))
    body = getattr(command, str(row["kind"]))
    body.SetInParent()
    body.reason = row["reason"]
    for field in ("flow_run_id", "task_run_id", "infrastructure_pid", "state_id"):
        if row[field] is not None and field in body.DESCRIPTOR.fields_by_name:
            setattr(body, field, row[field])
    return command

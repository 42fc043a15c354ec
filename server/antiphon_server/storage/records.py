"""Rows of the write side: what the working set loads and what it writes."""

import json
from dataclasses import dataclass
from typing import Any

from antiphon.v1 import state_pb2
from antiphon_server.domain.model import RetryPolicy, Run, RunKind, State, StateDetails
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.wire_times import micros_to_timestamp, timestamp_to_micros

#: The columns of a run that decisions need, in the order of `Run`'s fields.
RUN_FIELDS = (
    "id",
    "run_count",
    "state_id",
    "state_type",
    "state_name",
    "state_time",
    "state_scheduled_time",
    "state_has_data",
    "start_time",
    "end_time",
    "expected_start_time",
    "next_scheduled_start_time",
    "total_run_time",
    "session_id",
    "update_time",
    "version",
    "create_digest",
)
FLOW_RUN_FIELDS = (*RUN_FIELDS, "retry_policy", "parent_task_run_id")
TASK_RUN_FIELDS = (*RUN_FIELDS, "retry_policy", "flow_run_id", "flow_run_run_count")
TRANSITION_FIELDS = (
    "id",
    "run_id",
    "digest",
    "verdict",
    "reason",
    "findings",
    "run_count",
    "held_state_id",
    "create_time",
    "wrote_state",
    "state_type",
    "state_name",
    "message",
    "details",
    "data",
)
#: What a transition changes.
CHANGING_FIELDS = tuple(name for name in RUN_FIELDS if name not in ("id", "create_digest"))


def flow_run_from(row: Any) -> Run:
    run = Run(*row[:-2])
    run.retry_policy, run.parent_task_run_id = decode_retry_policy(row[-2]), row[-1]
    return run


def task_run_from(row: Any) -> Run:
    run = Run(*row[:-3])
    run.kind = RunKind.TASK_RUN
    run.retry_policy, run.flow_run_id, run.flow_run_run_count = decode_retry_policy(row[-3]), row[-2], row[-1]
    return run


def encode_retry_policy(policy: RetryPolicy | None) -> str | None:
    if policy is None:
        return None
    return json.dumps(
        {"max_retries": policy.max_retries, "delays": policy.delays, "jitter_factor": policy.jitter_factor}
    )


def decode_retry_policy(text: str | None) -> RetryPolicy | None:
    if text is None:
        return None
    fields = json.loads(text)
    return RetryPolicy(fields["max_retries"], tuple(fields["delays"]), fields["jitter_factor"])


def encode_details(details: StateDetails | None) -> bytes | None:
    if details is None:
        return None
    message = state_pb2.StateDetails(child_flow_run_id=details.child_flow_run_id, retriable=details.retriable)
    if details.scheduled_time is not None:
        message.scheduled_time.CopyFrom(micros_to_timestamp(details.scheduled_time))
    return message.SerializeToString()


def decode_details(data: bytes | None) -> StateDetails | None:
    if data is None:
        return None
    message = state_pb2.StateDetails.FromString(data)
    return details_from(message)


def details_from(message: state_pb2.StateDetails) -> StateDetails:
    """Raises InvalidArgument (TIME_INVALID) for a scheduled time outside of the years 1 to 9999."""
    return StateDetails(
        scheduled_time=timestamp_to_micros(message.scheduled_time, "proposal.state.details.scheduled_time")
        if message.HasField("scheduled_time")
        else None,
        child_flow_run_id=message.child_flow_run_id,
        retriable=message.retriable if message.HasField("retriable") else None,
    )


@dataclass(slots=True)
class Transition:
    """A decided proposal: the memory of its verdict, and the state that it wrote, if any."""

    id: str
    run_id: str
    digest: bytes
    verdict: VerdictKind
    reason: str
    #: (rule, verdict or None for a rewrite, reason)
    findings: tuple[tuple[str, int | None, str], ...]
    run_count: int
    create_time: int
    #: What was written; None where the run stayed as it was.
    state: State | None
    #: The state that held where nothing was written; None where there was none.
    held_state_id: str | None

    def row(self) -> tuple[Any, ...]:
        """The values of TRANSITION_FIELDS."""
        state = self.state
        findings = json.dumps(self.findings) if self.findings else "[]"
        shared = (self.id, self.run_id, self.digest, int(self.verdict), self.reason, findings, self.run_count)
        if state is None:
            return (*shared, self.held_state_id, self.create_time, False, None, None, None, None, None)
        details = encode_details(state.details)
        return (*shared, None, state.time, True, int(state.type), state.name, state.message, details, state.data)


def transition_from(row: Any) -> Transition:
    """From the values of TRANSITION_FIELDS."""
    id, run_id, digest, verdict, reason, findings, run_count, held_state_id, time, wrote, *state = row
    entered = None
    if wrote:
        type_, name, message, details, data = state
        entered = State(StateType(type_), name, message, decode_details(details), data, id, time)
    told = tuple((rule, kind, why) for rule, kind, why in json.loads(findings))
    return Transition(id, run_id, digest, VerdictKind(verdict), reason, told, run_count, time, entered, held_state_id)

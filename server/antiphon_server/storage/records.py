"""Rows of the write side: what the working set loads and what it writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.v1 import state_pb2
from antiphon_server.domain.model import NO_DETAILS, RetryPolicy, RetryType, Run, RunKind, State, StateDetails
from antiphon_server.domain.states import StateType, VerdictKind
from antiphon_server.wire_details import details_from, details_to

#: An empty JSON list.
NONE = "[]"
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
    "fencing_token",
    "deadline_time",
    "holds_slots",
    "update_time",
    "version",
    "create_digest",
)
#: Those that are encoded, and those that one family has, in the order in which they are read.
SHARED_FIELDS = (*RUN_FIELDS, "state_details", "retry_policy", "priority")
FLOW_RUN_FIELDS = (
    *SHARED_FIELDS,
    "parent_task_run_id",
    "deployment_id",
    "work_queue_id",
    "infrastructure_pid",
    "launcher_session_id",
    "auto_scheduled",
    "schedule_id",
    "resuming",
    "retry_type",
    "pause_keys",
    "queue_time",
)
TASK_RUN_FIELDS = (*SHARED_FIELDS, "flow_run_id", "flow_run_run_count", "tags", "task_key", "queue_time")
TRANSITION_FIELDS = (
    "id",
    "run_id",
    "digest",
    "verdict",
    "reason",
    "findings",
    "run_count",
    "fencing_token",
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
FLOW_RUN_CHANGING_FIELDS = (
    "state_details",
    "resuming",
    "retry_type",
    "pause_keys",
    "launcher_session_id",
    "infrastructure_pid",
    "queue_time",
)
TASK_RUN_CHANGING_FIELDS = ("state_details", "flow_run_run_count", "queue_time")


_OWN = len(RUN_FIELDS)
_SHARED = len(SHARED_FIELDS)


def flow_run_from(row: Any) -> Run:
    """From the values of FLOW_RUN_FIELDS."""
    run = _run_from(row)
    (
        run.parent_task_run_id,
        run.deployment_id,
        run.work_queue_id,
        run.infrastructure_pid,
        run.launcher_session_id,
        run.auto_scheduled,
        run.schedule_id,
        run.resuming,
        retry_type,
        pause_keys,
        run.queue_time,
    ) = row[_SHARED:]
    run.retry_type = RetryType(retry_type) if retry_type is not None else None
    if pause_keys != NONE:
        run.pause_keys = tuple(json.loads(pause_keys))
    return run


def task_run_from(row: Any) -> Run:
    """From the values of TASK_RUN_FIELDS."""
    run = _run_from(row)
    run.kind = RunKind.TASK_RUN
    run.flow_run_id, run.flow_run_run_count, tags, run.task_key, run.queue_time = row[_SHARED:]
    if tags != NONE:
        run.tags = tuple(json.loads(tags))
    return run


def _run_from(row: Any) -> Run:
    run = Run(*row[:_OWN])
    details, retry_policy, run.priority = row[_OWN:_SHARED]
    if details is not None:
        run.details = details_from(state_pb2.StateDetails.FromString(details))
    run.retry_policy = decode_retry_policy(retry_policy)
    return run


def details_column(run: Run) -> bytes | None:
    return encode_details(run.details) if run.details is not NO_DETAILS else None


def keys_column(run: Run) -> str:
    return json.dumps(run.pause_keys) if run.pause_keys else NONE


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
    return details_to(details).SerializeToString() if details is not None else None


def decode_details(data: bytes | None) -> StateDetails | None:
    return details_from(state_pb2.StateDetails.FromString(data)) if data is not None else None


#: A finding as it is told: rule, verdict or None for a rewrite, reason, facts, remedy.
Told: TypeAlias = tuple[str, int | None, str, Mapping[str, str], str]


@dataclass(slots=True)
class Transition:
    """A decided proposal: the memory of its verdict, and the state that it wrote, if any."""

    id: str
    run_id: str
    digest: bytes
    verdict: VerdictKind
    reason: str
    findings: tuple[Told, ...]
    run_count: int
    fencing_token: int
    create_time: int
    #: What was written; None where the run stayed as it was.
    state: State | None
    #: The state that held where nothing was written; None where there was none.
    held_state_id: str | None

    def row(self) -> tuple[Any, ...]:
        """The values of TRANSITION_FIELDS."""
        state = self.state
        findings = json.dumps(self.findings) if self.findings else "[]"
        shared = (
            self.id,
            self.run_id,
            self.digest,
            int(self.verdict),
            self.reason,
            findings,
            self.run_count,
            self.fencing_token,
        )
        if state is None:
            return (*shared, self.held_state_id, self.create_time, False, None, None, None, None, None)
        details = encode_details(state.details)
        return (*shared, None, state.time, True, int(state.type), state.name, state.message, details, state.data)


def transition_from(row: Any) -> Transition:
    """From the values of TRANSITION_FIELDS."""
    id, run_id, digest, verdict, reason, findings, run_count, token, held_state_id, time, wrote, *state = row
    entered = None
    if wrote:
        type_, name, message, details, data = state
        entered = State(StateType(type_), name, message, decode_details(details), data, id, time)
    told = tuple(_told(*each) for each in json.loads(findings))
    kind = VerdictKind(verdict)
    return Transition(id, run_id, digest, kind, reason, told, run_count, token, time, entered, held_state_id)


def _told(rule: str, kind: int | None, reason: str, facts: Mapping[str, str] | None = None, remedy: str = "") -> Told:
    """Findings of before had no facts."""
    return rule, kind, reason, facts or {}, remedy

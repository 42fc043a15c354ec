"""Frames that engines send."""

from datetime import UTC, datetime, timedelta

from antiphon.ids import new_id
from antiphon.state_core import State, StateType
from antiphon.state_protos import from_proto, to_proto
from antiphon.timestamps import write_timestamp
from antiphon.v1 import state_pb2
from antiphon.v1.transition_pb2 import Proposal, Verdict

ACCEPTED, REJECTED, ABORTED = 1, 2, 4

_PENDING = state_pb2.State(type=state_pb2.STATE_TYPE_PENDING)
_RUNNING = state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
_DEFERRED = state_pb2.StateDetails(deferred=True)
_DEFERRED_PENDING = state_pb2.State(type=state_pb2.STATE_TYPE_PENDING, details=_DEFERRED)
_DEFERRED_RUNNING = state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING, details=_DEFERRED)
#: The server names task runs that run again, and leaves the names of flow runs to whoever runs them.
_RETRYING = state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING, name="Retrying")


def propose_flow_run(flow_run_id: str, state: State, *, token: int = 0) -> Proposal:
    """`token` is that of the claim which a worker has handed over, where one has."""
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=to_proto(state), fencing_token=token)


def propose_task_run(task_run_id: str, state: State, *, token: int = 0) -> Proposal:
    """`token` is that of the claim which another process has handed over, where one has."""
    return Proposal(transition_id=new_id(), task_run_id=task_run_id, state=to_proto(state), fencing_token=token)


def flow_run_pending(flow_run_id: str) -> Proposal:
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=_PENDING)


def flow_run_running(flow_run_id: str, *, after: State | None = None, token: int = 0) -> Proposal:
    """Once more where there was a state before: `after` is the one that the run must still be in, since a proposal that
    waits is void where the run moved on. `token` as of `propose_flow_run`."""
    if after is None:
        return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=_RUNNING, fencing_token=token)
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=_RETRYING, expected_state_id=after.id)


def flow_run_paused(flow_run_id: str, key: str, timeout: float | None, input_schema: str, *, suspend: bool) -> Proposal:
    """`timeout` in seconds, None for ever."""
    details = state_pb2.StateDetails(pause_key=key, pause_reschedule=suspend, input_schema=input_schema)
    if timeout is not None:
        write_timestamp(details.pause_expire_time, datetime.now(UTC) + timedelta(seconds=timeout))
    name = "Suspended" if suspend else ""
    state = state_pb2.State(type=state_pb2.STATE_TYPE_PAUSED, name=name, details=details)
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=state)


def flow_run_leaves_pause(flow_run_id: str, state_id: str) -> Proposal:
    """For a run that may still be in that PAUSED state."""
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=_RUNNING, expected_state_id=state_id)


def is_put_off(verdict: Verdict) -> bool:
    """Whether a task run does not start now because its flow run is paused."""
    return is_rejected(verdict) and verdict.state.type == state_pb2.STATE_TYPE_PAUSED


def task_run_pending(task_run_id: str) -> Proposal:
    return Proposal(transition_id=new_id(), task_run_id=task_run_id, state=_PENDING)


def task_run_running(task_run_id: str, *, after: State | None = None, token: int = 0, claim: str = "") -> Proposal:
    """As `flow_run_running`; `token` as of `propose_task_run`. `claim` is the transition by which a worker has taken a
    deferred run."""
    return Proposal(
        transition_id=new_id(),
        task_run_id=task_run_id,
        state=_DEFERRED_RUNNING if claim else _RUNNING,
        expected_state_id=after.id if after is not None else claim,
        fencing_token=token,
    )


def force_task_run(task_run_id: str, state: State, *, over: str) -> Proposal:
    """For a run whose holder is gone, or is to let go of it. `over` is the id of the state that it must still be in."""
    return Proposal(
        transition_id=new_id(), task_run_id=task_run_id, state=to_proto(state), expected_state_id=over, force=True
    )


def task_run_deferred(task_run_id: str, parameters_id: str = "") -> Proposal:
    """The run waits for a worker, from now on."""
    details = state_pb2.StateDetails(deferred=True, task_parameters_id=parameters_id)
    state = state_pb2.State(type=state_pb2.STATE_TYPE_SCHEDULED, details=details)
    return Proposal(transition_id=new_id(), task_run_id=task_run_id, state=state)


def task_run_claimed(task_run_id: str, offered_state_id: str) -> Proposal:
    """A worker takes a run, unless it has left the state in which it was offered."""
    return Proposal(
        transition_id=new_id(),
        task_run_id=task_run_id,
        state=_DEFERRED_PENDING,
        expected_state_id=offered_state_id,
    )


def is_accepted(verdict: Verdict) -> bool:
    return verdict.kind == ACCEPTED


def is_aborted(verdict: Verdict) -> bool:
    return verdict.kind == ABORTED


def is_rejected(verdict: Verdict) -> bool:
    return verdict.kind == REJECTED


def state_that_holds(verdict: Verdict) -> State:
    """The state that the server says holds now. A run that has none counts as crashed: it cannot go on."""
    if verdict.HasField("state"):
        return from_proto(verdict.state)
    return State(StateType.CRASHED, message=f"The server refused to run this: {verdict.reason}")

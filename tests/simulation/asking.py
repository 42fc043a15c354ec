"""From what clients say to the server's own operations, by the way of the wire's messages."""

from dataclasses import dataclass

from antiphon.v1 import payload_pb2, state_pb2, transition_pb2
from antiphon_server.application.creation import CreateFlowRun, CreateTaskRun, NewRun
from antiphon_server.application.limits import (
    CreateConcurrencyLimit,
    DeleteConcurrencyLimit,
    ResetConcurrencyLimit,
    UpdateConcurrencyLimit,
    set_own,
)
from antiphon_server.application.operations import ProposeOnSession, ProposeTransition
from antiphon_server.application.proposals import digest_of, proposal_from
from antiphon_server.domain.limit_names import TAG
from antiphon_server.domain.model import RetryPolicy
from antiphon_server.storage.tables import concurrency_limits
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import Operation
from antiphon_server.wire_times import micros_to_timestamp
from simulation.events import FLOW_RUN, Move, New, Said

SECOND = 1_000_000
START = 1_800_000_000 * SECOND


def at(seconds: float) -> int:
    """Microseconds since the epoch of a time in the simulation."""
    return START + round(seconds * SECOND)


def creating(new: New, session_id: str | None) -> Operation:
    """The operation that creates a run."""
    policy = RetryPolicy(new.retries, (round(new.delay * SECOND),)) if new.retries else None
    digest = digest_of(repr(new).encode())
    run = NewRun(new.id, "", list(new.tags), policy, new.priority, digest, session_id)
    if new.kind is FLOW_RUN:
        return CreateFlowRun(run, "", "flow", "", None, None, new.parent, new.deployment, None, new.process, True)
    return CreateTaskRun(run, new.flow_run, "task", "", "", [])


def message_of(move: Move) -> transition_pb2.Proposal:
    """As a client would send it: the same move, the same bytes."""
    state = state_pb2.State(type=int(move.type))  # type: ignore[arg-type]
    details = state.details
    for name, seconds in (("scheduled_time", move.due), ("pause_expire_time", move.pause_until)):
        if seconds is not None:
            getattr(details, name).CopyFrom(micros_to_timestamp(at(seconds)))
    if move.deferred:
        details.deferred = True
    if move.suspend:
        details.pause_reschedule = True
    if move.pause_key:
        details.pause_key = move.pause_key
    if move.cache_key:
        details.cache_key = move.cache_key
    if move.final:
        details.retriable = False
    if not details.ByteSize():
        state.ClearField("details")
    if move.data:
        state.data.CopyFrom(payload_pb2.Payload(data=move.id.encode()))
    key = "flow_run_id" if move.kind is FLOW_RUN else "task_run_id"
    return transition_pb2.Proposal(
        transition_id=move.id,
        state=state,
        expected_state_id=move.expected,
        force=move.force,
        fencing_token=move.token,
        claim=move.claim,
        **{key: move.run},
    )


def asking(said: Said) -> Operation:
    """What a unary caller does."""
    if isinstance(said, New):
        return creating(said, None)
    return ProposeTransition(proposal_from(message_of(said), session_id=None))


def saying(said: Said, session_id: str, sequence: int) -> Operation:
    """What a frame of a session does."""
    if isinstance(said, New):
        return creating(said, session_id)
    message = message_of(said)
    body = message.SerializeToString(deterministic=True)
    return ProposeOnSession(proposal_from(message, session_id=session_id, body=body), sequence, body)


@dataclass(slots=True)
class ChangeLimit:
    """Makes, sets, switches, empties or deletes (`slots` None) a limit by name, whichever use case that is."""

    name: str
    slots: int | None
    active: bool
    reset: bool = False

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.flush()
        table = concurrency_limits
        query = table.select().with_only_columns(table.c.id).where(table.c.name == self.name)
        known: str | None = working_set.connection.execute(query).scalar_one_or_none()
        change: Operation
        if self.reset:
            change = ResetConcurrencyLimit(known or "")
        elif not self.name.startswith(TAG):
            set_own(working_set, self.name, self.slots)
            return
        elif self.slots is None:
            change = DeleteConcurrencyLimit(known or "", "")
        elif known is None:
            change = CreateConcurrencyLimit(self.name, self.slots, self.active, 0.0)
        else:
            change = UpdateConcurrencyLimit(known, "", {"slots": self.slots, "active": self.active})
        change.apply(working_set)

"""Proposals from the wire."""

import hashlib

from antiphon.v1 import state_pb2, transition_pb2
from antiphon_server.application.input_schemas import check_schema
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.states import DEFAULT_NAMES, StateType
from antiphon_server.wire_details import details_from


def digest_of(body: bytes, key: bytes = b"") -> bytes:
    """16 bytes that tell a replay from a clash."""
    return hashlib.blake2b(body, digest_size=16, key=key).digest()


def proposal_from(message: transition_pb2.Proposal, *, session_id: str | None, body: bytes | None = None) -> Proposal:
    """A validated message as the policy wants it. `body` are its bytes, where the caller has them already.

    Raises InvalidArgument: TIME_INVALID for a time that is none, INPUT_SCHEMA_INVALID.
    """
    check_state(message.state)
    return known_proposal_from(message, session_id=session_id, body=body)


def known_proposal_from(
    message: transition_pb2.Proposal, *, session_id: str | None, body: bytes | None = None
) -> Proposal:
    """The same for a message that was looked at when it came: a big schema takes up to a second, which is not the
    writer's to spend."""
    transition_id = message.transition_id.lower()
    kind = kind_of(message)
    return Proposal(
        transition_id,
        kind,
        (message.flow_run_id if kind is RunKind.FLOW_RUN else message.task_run_id).lower(),
        state_from(message.state, transition_id),
        message.expected_state_id.lower(),
        message.force,
        session_id,
        digest_of(body if body is not None else message.SerializeToString(deterministic=True)),
        message.fencing_token,
        message.claim,
        traceparent=message.traceparent,
    )


def kind_of(message: transition_pb2.Proposal) -> RunKind:
    """Of which kind the run of a proposal is."""
    return RunKind.FLOW_RUN if message.WhichOneof("run") == "flow_run_id" else RunKind.TASK_RUN


def check_state(message: state_pb2.State) -> None:
    """Raises InvalidArgument (INPUT_SCHEMA_INVALID)."""
    if message.details.input_schema:
        check_schema(message.details.input_schema, "state.details.input_schema")


def state_from(message: state_pb2.State, transition_id: str) -> State:
    type_ = StateType(message.type)
    return State(
        type_,
        message.name or DEFAULT_NAMES[type_],
        message.message,
        details_from(message.details) if message.HasField("details") else None,
        message.data.SerializeToString(deterministic=True) if message.HasField("data") else None,
        transition_id,
    )

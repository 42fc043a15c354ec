"""States to the contract's messages and back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from antiphon.annotations import NotSet
from antiphon.exceptions import SerializationError
from antiphon.state_core import State, StateDetails, StateType
from antiphon.text_limits import clip_characters, encodable
from antiphon.timestamps import read_timestamp, write_timestamp
from antiphon.v1 import state_pb2

MAX_MESSAGE_LENGTH: Final = 10_000

_TO_NUMBER: Mapping[StateType, state_pb2.StateType] = MappingProxyType(
    {each: getattr(state_pb2, f"STATE_TYPE_{each}") for each in StateType}
)
_FROM_NUMBER: Mapping[int, StateType] = MappingProxyType({number: each for each, number in _TO_NUMBER.items()})


def to_proto(state: State) -> state_pb2.State:
    """Return the message for a state. A message of more than 10,000 characters is cut, with a mark."""
    proto = state_pb2.State(id=state.id, type=_TO_NUMBER[state.type], name=encodable(state.name))
    write_timestamp(proto.create_time, state.timestamp)
    if state.message:
        proto.message = clip_characters(encodable(state.message), MAX_MESSAGE_LENGTH)
    if state.data is not None:
        proto.data.CopyFrom(state.data)
    details = state.state_details
    if details.scheduled_time is not None:
        write_timestamp(proto.details.scheduled_time, details.scheduled_time)
    if details.child_flow_run_id is not None:
        proto.details.child_flow_run_id = details.child_flow_run_id
    if details.retriable is not None:
        proto.details.retriable = details.retriable
    if details.pause_key is not None:
        proto.details.pause_key = details.pause_key
    return proto


def from_proto(
    proto: state_pb2.State, *, flow_run_id: str | None = None, task_run_id: str | None = None, value: Any = NotSet
) -> State:
    """Return the state that a message says.

    The ids name the run that it is a state of; `value` is the run's result or exception, where this process has it.
    Raises SerializationError for a type that this version does not know.
    """
    kind = _FROM_NUMBER.get(proto.type)
    if kind is None:
        raise SerializationError(
            f"The state type {proto.type} of state {proto.id or '(no id)'} is not known here. The server is newer than "
            "this program: upgrade antiphon."
        )
    details = proto.details
    state: State = State(
        kind,
        proto.name or None,
        message=proto.message or None,
        id=proto.id or None,
        timestamp=read_timestamp(proto.create_time) if proto.HasField("create_time") else None,
        data=proto.data if proto.HasField("data") else NotSet,
        state_details=StateDetails(
            flow_run_id=flow_run_id,
            task_run_id=task_run_id,
            child_flow_run_id=details.child_flow_run_id or None,
            scheduled_time=read_timestamp(details.scheduled_time) if details.HasField("scheduled_time") else None,
            retriable=details.retriable if details.HasField("retriable") else None,
            pause_key=details.pause_key or None,
        ),
    )
    return state if value is NotSet else state.keep(value)

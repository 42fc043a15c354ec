"""States to the contract's messages and back."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from antiphon.annotations import NotSet
from antiphon.exceptions import SerializationError
from antiphon.state_core import State, StateDetails, StateType
from antiphon.text_limits import clip_characters, encodable
from antiphon.timestamps import read_timestamp, write_timestamp
from antiphon.v1 import state_pb2

MAX_MESSAGE_LENGTH: Final = 10_000

_NO_DETAILS: Final = StateDetails()

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
    if state.state_details != _NO_DETAILS:
        _write_details(proto.details, state.state_details)
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
    details = _read_details(proto.details) if proto.HasField("details") else StateDetails()
    details.flow_run_id, details.task_run_id = flow_run_id, task_run_id
    state: State = State(
        kind,
        proto.name or None,
        message=proto.message or None,
        id=proto.id or None,
        timestamp=read_timestamp(proto.create_time) if proto.HasField("create_time") else None,
        data=proto.data if proto.HasField("data") else NotSet,
        state_details=details,
    )
    return state if value is NotSet else state.keep(value)


def _write_details(proto: state_pb2.StateDetails, details: StateDetails) -> None:
    for name, moment in _times(details):
        if moment is not None:
            write_timestamp(getattr(proto, name), moment)
    if details.retriable is not None:
        proto.retriable = details.retriable
    proto.child_flow_run_id = details.child_flow_run_id or ""
    proto.pause_reschedule = details.pause_reschedule
    proto.pause_key = details.pause_key or ""
    proto.cache_key = details.cache_key or ""
    proto.refresh_cache = bool(details.refresh_cache)
    proto.deferred = bool(details.deferred)
    proto.task_parameters_id = details.task_parameters_id or ""


def _times(details: StateDetails) -> tuple[tuple[str, datetime | None], ...]:
    return (
        ("scheduled_time", details.scheduled_time),
        ("pause_expire_time", details.pause_timeout),
        ("cache_expire_time", details.cache_expiration),
    )


def _read_details(proto: state_pb2.StateDetails) -> StateDetails:
    return StateDetails(
        child_flow_run_id=proto.child_flow_run_id or None,
        scheduled_time=read_timestamp(proto.scheduled_time) if proto.HasField("scheduled_time") else None,
        retriable=proto.retriable if proto.HasField("retriable") else None,
        pause_timeout=read_timestamp(proto.pause_expire_time) if proto.HasField("pause_expire_time") else None,
        pause_reschedule=proto.pause_reschedule,
        pause_key=proto.pause_key or None,
        cache_key=proto.cache_key or None,
        cache_expiration=read_timestamp(proto.cache_expire_time) if proto.HasField("cache_expire_time") else None,
        refresh_cache=proto.refresh_cache or None,
        deferred=proto.deferred or None,
        task_parameters_id=proto.task_parameters_id or None,
    )

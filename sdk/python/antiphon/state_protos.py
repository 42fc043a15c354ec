"""States to the contract's messages and back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
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
    _write_details(proto, state.state_details)
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


def _write_details(proto: state_pb2.State, details: StateDetails) -> None:
    """Sets what is said; a message without any details has none at all."""
    values = _ALL(details)
    if values == _NOTHING:
        return
    for (field, _), value, unsaid in zip(_FIELDS.values(), values, _NOTHING, strict=True):
        if value is None or value == unsaid:
            continue
        if isinstance(value, datetime):
            write_timestamp(getattr(proto.details, field), value)
        else:
            setattr(proto.details, field, value)


def _read_details(proto: state_pb2.StateDetails) -> StateDetails:
    said = {field.name: value for field, value in proto.ListFields()}
    return StateDetails(**{name: read(said[field]) for name, (field, read) in _FIELDS.items() if field in said})


#: What of a state's details travels: by its name, the name in the contract and what reads it from there.
_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = MappingProxyType(
    {
        "child_flow_run_id": ("child_flow_run_id", str),
        "scheduled_time": ("scheduled_time", read_timestamp),
        "retriable": ("retriable", bool),
        "pause_timeout": ("pause_expire_time", read_timestamp),
        "pause_reschedule": ("pause_reschedule", bool),
        "pause_key": ("pause_key", str),
        "cache_key": ("cache_key", str),
        "cache_expiration": ("cache_expire_time", read_timestamp),
        "refresh_cache": ("refresh_cache", bool),
        "deferred": ("deferred", bool),
        "task_parameters_id": ("task_parameters_id", str),
    }
)
_ALL: Final = attrgetter(*_FIELDS)
_NOTHING: Final = _ALL(StateDetails())

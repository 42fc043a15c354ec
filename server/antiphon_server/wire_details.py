"""Details of states between the contract and the domain."""

from antiphon.v1 import state_pb2
from antiphon_server.domain.model import StateDetails
from antiphon_server.wire_times import micros_to_timestamp, timestamp_to_micros

#: Fields of `StateDetails` that are times, and those that mean the same in both worlds.
_TIMES = ("scheduled_time", "pause_expire_time", "cache_expire_time")
_PLAIN = (
    "child_flow_run_id",
    "pause_reschedule",
    "pause_key",
    "input_schema",
    "cache_key",
    "refresh_cache",
    "deferred",
    "task_parameters_id",
)


def details_to(details: StateDetails) -> state_pb2.StateDetails:
    message = state_pb2.StateDetails(retriable=details.retriable)
    for name in _TIMES:
        time = getattr(details, name)
        if time is not None:
            getattr(message, name).CopyFrom(micros_to_timestamp(time))
    for name in _PLAIN:
        value = getattr(details, name)
        if value:
            setattr(message, name, value)
    return message


def details_from(message: state_pb2.StateDetails, within: str = "proposal.state.details") -> StateDetails:
    """Raises InvalidArgument (TIME_INVALID) for a time outside of the years 1 to 9999; `within` is the field that holds
    the message."""
    details = StateDetails()
    for field, value in message.ListFields():
        name = field.name
        if name in _TIMES:
            value = timestamp_to_micros(value, f"{within}.{name}")
        setattr(details, name, value)
    return details

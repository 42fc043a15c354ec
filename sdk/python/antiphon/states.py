"""The public names around states: constructors for each, and what makes a state of a value or an exception."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from antiphon.exception_payloads import format_exception
from antiphon.state_core import TERMINAL_STATE_TYPES, State, StateDetails, StateType
from antiphon.state_protos import from_proto, to_proto
from antiphon.state_rules import (
    StateGroup,
    exception_to_crashed_state,
    exception_to_failed_state,
    is_state_iterable,
    return_value_to_state,
)

__all__ = [
    "TERMINAL_STATE_TYPES",
    "AwaitingConcurrencySlot",
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "InfrastructurePending",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "State",
    "StateDetails",
    "StateGroup",
    "StateType",
    "Submitting",
    "Suspended",
    "aget_state_exception",
    "araise_state_exception",
    "exception_to_crashed_state",
    "exception_to_failed_state",
    "format_exception",
    "from_proto",
    "get_state_exception",
    "get_state_result",
    "is_state_iterable",
    "raise_state_exception",
    "return_value_to_state",
    "to_proto",
]


def _scheduled(name: str | None, scheduled_time: datetime | None, arguments: dict[str, Any]) -> State:
    """Make a SCHEDULED state; `scheduled_time` None takes that of the details given, or now."""
    details = arguments.pop("state_details", None) or StateDetails()
    if scheduled_time is not None:
        if details.scheduled_time is not None:
            raise ValueError("Give the scheduled time once: as scheduled_time or in the state details.")
        details = replace(details, scheduled_time=scheduled_time)
    return State(StateType.SCHEDULED, arguments.pop("name", None) or name, state_details=details, **arguments)


def Scheduled(scheduled_time: datetime | None = None, **kwargs: Any) -> State:
    """The run waits for a time; None is now. Raises ValueError for a time without a time zone."""
    return _scheduled(None, scheduled_time, kwargs)


def Late(scheduled_time: datetime | None = None, **kwargs: Any) -> State:
    """The time that the run waited for is past, and nobody has run it."""
    return _scheduled("Late", scheduled_time, kwargs)


def AwaitingRetry(scheduled_time: datetime | None = None, **kwargs: Any) -> State:
    """The run failed and waits to be tried again."""
    return _scheduled("AwaitingRetry", scheduled_time, kwargs)


def AwaitingConcurrencySlot(scheduled_time: datetime | None = None, **kwargs: Any) -> State:
    """The run waits for a slot of its deployment's limit, and asks again at that time."""
    return _scheduled("AwaitingConcurrencySlot", scheduled_time, kwargs)


def Pending(**kwargs: Any) -> State:
    """Somebody has taken the run and is about to start it."""
    return State(StateType.PENDING, **kwargs)


def Submitting(**kwargs: Any) -> State:
    """A worker is handing the run to its infrastructure."""
    return State(StateType.PENDING, **{"name": "Submitting", **kwargs})


def InfrastructurePending(**kwargs: Any) -> State:
    """The run's infrastructure is there and has not started its code."""
    return State(StateType.PENDING, **{"name": "InfrastructurePending", **kwargs})


def Running(**kwargs: Any) -> State:
    """The run's code runs."""
    return State(StateType.RUNNING, **kwargs)


def Retrying(**kwargs: Any) -> State:
    """The run's code runs once more, after it failed."""
    return State(StateType.RUNNING, **{"name": "Retrying", **kwargs})


def Completed(**kwargs: Any) -> State:
    """The run ended as its code wanted; `data` is its result."""
    return State(StateType.COMPLETED, **kwargs)


def Failed(**kwargs: Any) -> State:
    """The run ended by an exception, a time-out or its own word; `data` may be the exception."""
    return State(StateType.FAILED, **kwargs)


def Crashed(**kwargs: Any) -> State:
    """The run ended because what ran it went away."""
    return State(StateType.CRASHED, **kwargs)


def Cancelling(**kwargs: Any) -> State:
    """Somebody asked the run to stop; it has not yet."""
    return State(StateType.CANCELLING, **kwargs)


def Cancelled(**kwargs: Any) -> State:
    """The run ended because somebody asked for it."""
    return State(StateType.CANCELLED, **kwargs)


def Paused(
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State:
    """The run holds still until it is resumed.

    It fails where that has not come within `timeout_seconds`, or by `pause_expiration_time`; with neither it may wait
    for ever. With `reschedule` its process ends meanwhile. A run pauses at most once for one `pause_key`. Raises
    ValueError for both times at once, for one without a time zone, and where `state_details` says such things too.
    """
    if timeout_seconds is not None and pause_expiration_time is not None:
        raise ValueError("Give the end of the pause once: as timeout_seconds or as pause_expiration_time.")
    if timeout_seconds is not None:
        pause_expiration_time = datetime.now(UTC) + timedelta(seconds=timeout_seconds)
    details = kwargs.pop("state_details", None) or StateDetails()
    wanted = {"pause_timeout": pause_expiration_time, "pause_reschedule": reschedule, "pause_key": pause_key}
    given = {name: value for name, value in wanted.items() if value}
    twice = [name for name in given if getattr(details, name)]
    if twice:
        raise ValueError(f"Give {', '.join(twice)} once: as an argument or in the state details.")
    return State(StateType.PAUSED, state_details=replace(details, **given), **kwargs)


def Suspended(
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State:
    """As `Paused`, with a process that has ended: when the run is resumed it is scheduled anew."""
    return Paused(timeout_seconds, pause_expiration_time, True, pause_key, **{"name": "Suspended", **kwargs})


def get_state_result(state: State, raise_on_failure: bool = True, retry_result_failure: bool = True) -> Any:
    """Return `state.result(raise_on_failure)`."""
    return state.result(raise_on_failure, retry_result_failure)


def get_state_exception(state: State) -> BaseException:
    """Return what a failed, crashed or cancelled run ended with. Raises ValueError for another state."""
    if not _ended_badly(state):
        raise ValueError(f"A run that is {state.name} has no exception: it has not failed, crashed or been cancelled.")
    return state.failure()


def raise_state_exception(state: State) -> None:
    """Raise what a failed, crashed or cancelled run ended with; do nothing for another state."""
    if _ended_badly(state):
        state.outcome()


async def aget_state_exception(state: State) -> BaseException:
    """As `get_state_exception`, without blocking the event loop while storage is read."""
    return await asyncio.to_thread(get_state_exception, state)


async def araise_state_exception(state: State) -> None:
    """As `raise_state_exception`, without blocking the event loop while storage is read."""
    if _ended_badly(state):
        await state.aresult()


def _ended_badly(state: State) -> bool:
    return state.is_failed() or state.is_crashed() or state.is_cancelled()

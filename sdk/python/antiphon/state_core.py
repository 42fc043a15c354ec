"""What a run is doing or how it ended, as user code sees it."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, overload

from antiphon.annotations import NotSet
from antiphon.async_code import in_async_code
from antiphon.exception_payloads import is_described, read_described
from antiphon.exceptions import (
    AntiphonException,
    CancelledRun,
    CrashedRun,
    FailedRun,
    InvalidNameError,
    MissingResult,
    PausedRun,
    SerializationError,
    UnfinishedRun,
)
from antiphon.ids import new_id
from antiphon.result_store import is_reference, load
from antiphon.v1.payload_pb2 import Payload

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    R = TypeVar("R", covariant=True, default=Any)
else:
    # A default for a type variable is for type checkers only; it spares a dependency.
    from typing import TypeVar

    R = TypeVar("R", covariant=True)

MAX_NAME_LENGTH: Final = 200


class StateType(StrEnum):
    """What a run is doing, as the policy sees it."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL_STATE_TYPES: Final = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})
#: The name of a state that was given none.
DEFAULT_NAMES: Mapping[StateType, str] = MappingProxyType({each: each.value.capitalize() for each in StateType})
#: What `result()` raises for an end that has no exception of its own.
_FAILURES: Mapping[StateType, type[AntiphonException]] = MappingProxyType(
    {StateType.FAILED: FailedRun, StateType.CRASHED: CrashedRun, StateType.CANCELLED: CancelledRun}
)


@dataclass(slots=True)
class StateDetails:
    """Facts about a state. Raises ValueError for a scheduled time or a pause's time without a time zone."""

    #: The runs that the state belongs to; set on states that came from running something, in this process only.
    flow_run_id: str | None = None
    task_run_id: str | None = None
    #: On states of a task run that stands for a subflow: that flow run.
    child_flow_run_id: str | None = None
    #: Earliest time at which the run may be RUNNING.
    scheduled_time: datetime | None = None
    #: False: no retry may follow, however many are left. None: retries are allowed.
    retriable: bool | None = None
    #: On PAUSED: a run that is not resumed by then has failed. None lets it wait for ever.
    pause_timeout: datetime | None = None
    #: On PAUSED: the process ends meanwhile, and the run is scheduled anew when it is resumed.
    pause_reschedule: bool = False
    #: On PAUSED: a flow run pauses at most once for one key, and the answer to the pause lies under it.
    pause_key: str | None = None
    #: On states of a task run: under which key its result is looked for and kept, and until when that holds.
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    #: On RUNNING: run even where a result is kept.
    refresh_cache: bool | None = None
    #: The task run waits for a worker instead of its caller, and where its arguments are kept.
    deferred: bool | None = None
    task_parameters_id: str | None = None

    def __post_init__(self) -> None:
        if self.scheduled_time is not None and self.scheduled_time.tzinfo is None:
            raise _without_zone("scheduled time", self.scheduled_time)
        if self.pause_timeout is not None and self.pause_timeout.tzinfo is None:
            raise _without_zone("pause's time-out", self.pause_timeout)


def _without_zone(what: str, moment: datetime) -> ValueError:
    return ValueError(
        f"The {what} {moment.isoformat()} does not say its time zone. Give it one, such as "
        "datetime.now(timezone.utc) + timedelta(minutes=5)."
    )


class State(Generic[R]):
    """One entry in a run's history. Two states are equal when their ids are.

    The value that a run gave (or the exception that ended it) is kept in the process that made it; elsewhere it is read
    from `data` when `result()` asks for it.
    """

    __slots__ = ("_error", "_trace", "_value", "data", "id", "message", "name", "state_details", "timestamp", "type")

    id: str
    type: StateType
    name: str
    timestamp: datetime
    message: str | None
    state_details: StateDetails
    #: What travels and is stored of the result; None where nothing is.
    data: Payload | None

    def __init__(
        self,
        type: StateType,
        name: str | None = None,
        *,
        message: str | None = None,
        state_details: StateDetails | None = None,
        data: Any = NotSet,
        id: str | None = None,
        timestamp: datetime | None = None,
    ) -> None:
        """`data` is the value, or a Payload that holds or refers to it; for a failed state also the exception.

        A SCHEDULED state without a scheduled time is scheduled for now. Raises InvalidNameError for a name of more than
        200 characters, ValueError for an unknown type.
        """
        self.type = type if type.__class__ is StateType else StateType(type)
        self.name = name or DEFAULT_NAMES[self.type]
        if len(self.name) > MAX_NAME_LENGTH:
            raise InvalidNameError(f"The name of a state has at most {MAX_NAME_LENGTH} characters: {self.name[:40]!r}…")
        self.message = message
        self.id = id or new_id()
        self.timestamp = timestamp or datetime.now(UTC)
        self.state_details = StateDetails() if state_details is None else state_details
        self.default_scheduled_start_time()
        self.data = data if isinstance(data, Payload) else None
        self._value: Any = NotSet if isinstance(data, Payload) else data
        self._error: BaseException | None = None
        #: The failure's traceback before anybody asked for it; NotSet before that.
        self._trace: Any = NotSet

    def is_scheduled(self) -> bool:
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        return self.type is StateType.RUNNING

    def is_completed(self) -> bool:
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        return self.type is StateType.CANCELLED

    def is_cancelling(self) -> bool:
        return self.type is StateType.CANCELLING

    def is_paused(self) -> bool:
        return self.type is StateType.PAUSED

    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.type in TERMINAL_STATE_TYPES

    @overload
    def result(self, raise_on_failure: Literal[True] = ..., retry_result_failure: bool = ...) -> R: ...

    @overload
    def result(self, raise_on_failure: bool, retry_result_failure: bool = ...) -> R | BaseException: ...

    def result(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> Any:
        """Return what the run gave, or raise why it gave nothing. In async code this gives a coroutine, as `aresult`.

        Failed and crashed runs raise the exception that ended them, or FailedRun or CrashedRun where none was kept or
        where it was no `Exception` (an interrupt of another run must not interrupt the reader); cancelled ones raise
        CancelledRun. With `raise_on_failure=False` these are returned instead. `retry_result_failure` has no effect:
        what can be tried again is tried where results are read.
        Raises PausedRun or UnfinishedRun where the run has not ended, MissingResult where its result was not kept,
        SerializationError where it cannot be read here.
        """
        return self.aresult(raise_on_failure) if in_async_code() else self.outcome(raise_on_failure)

    def outcome(self, raise_on_failure: bool = True) -> Any:
        """As `result`, in code of every kind at once: it blocks where storage has to be read."""
        if self.type is StateType.COMPLETED:
            return self._read()
        if self.type is StateType.PAUSED:
            raise PausedRun(self.message or "The run is paused; it has no result before it was resumed and has ended.")
        if self.type not in TERMINAL_STATE_TYPES:
            why = self.message or "Wait for it to end."
            raise UnfinishedRun(f"The run is {self.name} and has no result yet. {why}")
        if raise_on_failure:
            error = self.failure()
            if self._trace is NotSet:
                self._trace = error.__traceback__
            # One object is raised again for each who asks, and each raise would add its frames.
            raise error.with_traceback(self._trace)
        if self._value is NotSet:
            return self.failure()
        return self._value

    @overload
    async def aresult(self, raise_on_failure: Literal[True] = ..., retry_result_failure: bool = ...) -> R: ...

    @overload
    async def aresult(self, raise_on_failure: bool, retry_result_failure: bool = ...) -> R | BaseException: ...

    async def aresult(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> Any:
        """As `result`, without blocking the event loop while storage is read."""
        if self._value is NotSet and self.data is not None and is_reference(self.data):
            return await asyncio.to_thread(self.outcome, raise_on_failure)
        return self.outcome(raise_on_failure)

    def has_value(self) -> bool:
        """Whether the value (or exception) is in this process, so that `result()` reads nothing."""
        return self._value is not NotSet

    def kept_value(self) -> Any:
        """Return the value that is kept in this process; NotSet if there is none."""
        return self._value

    def keep(self, value: Any, error: BaseException | None = None) -> Self:
        """Keep the value for `result()` in this process, and return the state.

        For a failed state, `error` is what `result()` raises if that is not the value itself.
        """
        self._value = value
        self._error = error
        self._trace = NotSet
        return self

    def fresh_copy(self, **changes: Any) -> Self:
        """Return a copy with an id and a timestamp of its own, and these arguments of the constructor changed."""
        copy = self.model_copy(update={"id": new_id(), "timestamp": datetime.now(UTC), **changes})
        copy.state_details = replace(copy.state_details)
        return copy

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Return a copy with these attributes changed."""
        copy = object.__new__(type(self))
        for name in State.__slots__:
            setattr(copy, name, getattr(self, name))
        for name, value in (update or {}).items():
            if name not in State.__slots__ or name.startswith("_"):
                raise TypeError(f"A state has no {name!r}.")
            if name == "data":
                copy.data = value if isinstance(value, Payload) else None
                copy.keep(NotSet if isinstance(value, Payload) else value)
            else:
                setattr(copy, name, value)
        return copy

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """Return what the state says, without its result, as a dict; with `mode="json"` of what JSON can say."""
        dump = {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "timestamp": self.timestamp,
            "message": self.message,
            "state_details": asdict(self.state_details),
        }
        return _plain(dump) if mode == "json" else dump

    def default_name_from_type(self) -> Self:
        """Give a state without a name that of its type, and return the state."""
        self.name = self.name or DEFAULT_NAMES[self.type]
        return self

    def default_scheduled_start_time(self) -> Self:
        """Give a SCHEDULED state without a scheduled time its own time, and return the state."""
        if self.type is StateType.SCHEDULED and self.state_details.scheduled_time is None:
            self.state_details = replace(self.state_details, scheduled_time=self.timestamp)
        return self

    def set_unpersisted_results_to_none(self) -> Self:
        """Let go of a value that is kept in this process only, and return the state: its result is None then."""
        if self.data is None and self._value is not NotSet:
            self.keep(None)
        return self

    def _read(self) -> Any:
        """Return the value, reading it at the first time."""
        if self._value is NotSet:
            if self.data is None:
                raise MissingResult(
                    "The result of this run was not kept: it can only be had in the process that ran it. Results are "
                    "not kept with persist_result=False or when they cannot be pickled; persist_result=True makes the "
                    "run fail where its result cannot be kept."
                )
            self._value = read_described(self.data) if is_described(self.data) else load(self.data)
        return self._value

    def failure(self) -> BaseException:
        """Return the exception that `result()` raises for an end other than COMPLETED."""
        kind = _FAILURES[self.type]
        text = self.message or f"The run is {self.name}."
        error = self._error
        if error is None and (self.data is not None or self._value is not NotSet):
            try:
                value = self._read()
            except (SerializationError, MissingResult) as cause:
                failure = kind(text)
                failure.add_note(f"The exception itself cannot be had here: {cause}")
                return failure
            if isinstance(value, BaseException):
                error = value
            elif isinstance(value, str):
                text = value
        if error is None:
            return kind(text)
        if self.type is StateType.CANCELLED or not isinstance(error, Exception):
            failure = kind(text)
            failure.__cause__ = error
            return failure
        return error

    def __getstate__(self) -> tuple[Any, ...]:
        # The value travels only where nothing else brings it: it may be large, or of no use in another process.
        value = self._value if self.data is None else NotSet
        details = self.state_details
        return (self.id, self.type, self.name, self.timestamp, self.message, details, self.data, value)

    def __setstate__(self, kept: tuple[Any, ...]) -> None:
        (self.id, self.type, self.name, self.timestamp, self.message, self.state_details, self.data, self._value) = kept
        self._error = None
        self._trace = NotSet

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, State) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"

    def __repr__(self) -> str:
        text = str(self)
        if self.name == DEFAULT_NAMES[self.type]:
            return text
        return f"{text[:-1]}{', ' if self.message else ''}type={self.type.value})"


def _plain(value: Any) -> Any:
    """A dump as JSON can say it."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value

"""The exceptions that users meet. Names and bases follow Prefect 3, so that `except` clauses carry over."""

from collections.abc import Mapping
from typing import Any


class AntiphonException(Exception):
    """Base of all errors that Antiphon raises on purpose."""


class CrashedRun(AntiphonException):
    """The result of a run was asked for whose process or session went away."""


class FailedRun(AntiphonException):
    """The result of a run was asked for that failed without an exception that could be kept."""


class CancelledRun(AntiphonException):
    """The result of a run was asked for that was cancelled."""


class PausedRun(AntiphonException):
    """The result of a run was asked for that is paused."""


class UnfinishedRun(AntiphonException):
    """The result of a run was asked for that has not ended."""


class MissingResult(AntiphonException):
    """A run completed, but its result was not kept or is no longer where it was kept."""


class ResultStorageError(AntiphonException):
    """A result could not be written where results are kept, or that place cannot be used."""


class SerializationError(AntiphonException):
    """A value could not be turned into bytes, or bytes not into a value."""


class HashError(AntiphonException):
    """A value cannot be part of a cache key, since there is no telling it apart from others."""


class ConfigurationError(AntiphonException):
    """Options that do not go together, or lack something that they need."""


class ParameterTypeError(AntiphonException):
    """Arguments of a flow do not fit its annotations; the message has a line for each."""


class ParameterBindError(TypeError, AntiphonException):
    """Arguments cannot be bound to the function's parameters: one is missing, unknown or given twice."""


class SignatureMismatchError(AntiphonException, TypeError):
    """Stored parameters do not fit the function's signature."""


class ReservedArgumentError(AntiphonException, TypeError):
    """A task function uses a parameter name that `submit` and `map` keep for themselves."""


class InvalidNameError(AntiphonException, ValueError):
    """A name has characters that names may not have."""


class MissingContextError(AntiphonException, RuntimeError):
    """Something that needs a run in progress was called outside of one."""


class UpstreamTaskError(AntiphonException):
    """A task was not run because a run whose result it takes did not complete."""


class EntrypointError(AntiphonException, ValueError):
    """What was named as the place of a flow or a task is none."""


class MappingLengthMismatch(AntiphonException):
    """The iterables given to `map` have different lengths."""


class MappingMissingIterable(AntiphonException):
    """`map` was given nothing to iterate over."""


class FlowPauseTimeout(AntiphonException):
    """Raised inside a flow that paused and was not resumed in time; its run has failed."""


class FlowRunWaitTimeout(AntiphonException):
    """A flow run has not ended in the time for which somebody was ready to wait."""


class MissingProfileError(AntiphonException, ValueError):
    """A profile was named that is not in the profiles file."""


class SettingError(AntiphonException, ValueError):
    """A setting has a value that it cannot have, or does not exist; the message says where it was read."""


class ServerError(AntiphonException):
    """The server refused a request.

    `code` is the gRPC status code's name (`"NOT_FOUND"`), `reason` the stable word of its ErrorInfo
    (`"FLOW_RUN_NOT_FOUND"`; empty where the answer had none), `metadata` what else it says of the cause.
    `retry_after` are the seconds after which the same request may succeed, where the server guessed at them.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


class ObjectNotFound(ServerError):
    """What was asked for is not there."""


class ObjectAlreadyExists(ServerError):
    """What should be created is there already."""


class BlockNotFound(ObjectNotFound, ValueError):
    """A block was asked for that nobody saved, or whose type is not known."""


class ProtectedBlockError(ServerError):
    """A block type that comes with Antiphon was to be deleted."""


class NotPausedError(ServerError):
    """A flow run was to be resumed that is not paused."""


class ServerUnreachable(ServerError):
    """No server answers where one should, or the embedded one could not be started."""


class SessionLost(ServerError):
    """The server gave this process up because it was not heard of for too long; its runs are CRASHED."""


class AntiphonSignal(BaseException):
    """Base of what interrupts user code on purpose; not an `Exception`, so that `except Exception` lets it pass."""


class RunCancelled(AntiphonSignal):
    """Raised inside the user code of a run that somebody cancels."""


class RunRevoked(AntiphonSignal):
    """Raised inside the user code of a run that this process no longer holds."""


class SlotsLost(AntiphonSignal):
    """Raised inside a block of `concurrency()` whose slots are lost; at its end it becomes an error."""


class Pause(AntiphonSignal):
    """Raised inside a flow whose run is suspended: its process ends, and the run is left in `state`."""

    def __init__(self, state: Any) -> None:
        super().__init__(f"The run is {state}.")
        #: A State. Typed Any, since that module stands above this one.
        self.state = state


class TerminationSignal(AntiphonSignal):
    """Raised inside a run when the process is told to end (SIGTERM)."""

"""The exceptions that users meet. Names and bases follow Prefect 3, so that `except` clauses carry over."""

import os
import traceback
from collections.abc import Mapping
from typing import Any, Self

__all__ = [
    "Abort",
    "AntiphonException",
    "AntiphonImportError",
    "AntiphonSignal",
    "BlockMissingCapabilities",
    "BlockNotFound",
    "CancelledRun",
    "ConfigurationError",
    "CrashedRun",
    "EntrypointError",
    "EventTooLarge",
    "ExternalSignal",
    "FailedRun",
    "FlowPauseTimeout",
    "FlowRunWaitTimeout",
    "FlowRunWatchError",
    "HashError",
    "InfrastructureError",
    "InfrastructureNotAvailable",
    "InfrastructureNotFound",
    "InvalidNameError",
    "InvalidRepositoryURLError",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MissingContextError",
    "MissingFlowError",
    "MissingProfileError",
    "MissingResult",
    "NotPausedError",
    "ObjectAlreadyExists",
    "ObjectLimitReached",
    "ObjectNotFound",
    "ObjectUnsupported",
    "ParameterBindError",
    "ParameterTypeError",
    "Pause",
    "PausedRun",
    "ProfileSettingsValidationError",
    "ProtectedBlockError",
    "ReservedArgumentError",
    "ResultStorageError",
    "RunCancelled",
    "RunRevoked",
    "ScriptError",
    "SerializationError",
    "ServerError",
    "ServerUnreachable",
    "SessionLost",
    "SettingError",
    "SignatureMismatchError",
    "SlotsLost",
    "StepExecutionError",
    "TemplateError",
    "TerminationSignal",
    "UnfinishedRun",
    "UnspecifiedFlowError",
    "UpstreamTaskError",
]


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


class MissingFlowError(AntiphonException):
    """There is no such flow where one was looked for."""


class UnspecifiedFlowError(AntiphonException):
    """One of several flows is meant, and nothing says which."""


class ScriptError(AntiphonException):
    """A script raised an exception while it was loaded: `user_exc`, from the file at `path`."""

    def __init__(self, user_exc: Exception, path: str) -> None:
        super().__init__(user_exc, path)
        self.user_exc = user_exc
        self.path = path

    def __str__(self) -> str:
        if isinstance(self.user_exc, FileNotFoundError) and self._is_own(self.user_exc.filename):
            return f"There is no script at {self.path!r}; a path counts from the working directory, {os.getcwd()!r}."
        return f"The script at {self.path!r} raised an exception: {self.user_exc!r}."

    def _is_own(self, file: object) -> bool:
        return isinstance(file, str) and os.path.abspath(file) == os.path.abspath(self.path)


class StepExecutionError(AntiphonException):
    """A step of a deployment could not be done: it is none, its arguments do not fit, or it failed."""


class TemplateError(AntiphonException, ValueError):
    """A template is none, or names what is not there."""


class InvalidRepositoryURLError(AntiphonException):
    """A URL cannot be that of a git repository."""


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
    """A flow run did not end within the time that somebody waited for it."""


class FlowRunWatchError(AntiphonException):
    """A flow run could not be followed to its end."""


class BlockMissingCapabilities(AntiphonException):
    """A block was used for something that its type cannot do."""


class InfrastructureError(AntiphonException):
    """Something went wrong with what runs a flow run."""


class InfrastructureNotFound(AntiphonException):
    """What runs a flow run is not there."""


class InfrastructureNotAvailable(AntiphonException):
    """What runs a flow run cannot be reached from here."""


class EventTooLarge(AntiphonException):
    """An event has more bytes (`size`) than the server takes (`maximum`)."""

    def __init__(self, size: int, maximum: int) -> None:
        super().__init__(size, maximum)
        self.size = size
        self.maximum = maximum

    def __str__(self) -> str:
        return f"The event has {self.size:,} bytes; the server takes at most {self.maximum:,}. Send a smaller payload."


class ProfileSettingsValidationError(AntiphonException):
    """Settings of a profile are wrong; `errors` has each setting with what is wrong."""

    def __init__(self, errors: list[tuple[Any, Exception]]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "; ".join(f"{setting}: {error}" for setting, error in self.errors)


class AntiphonImportError(ImportError):
    """A name of Antiphon was moved or is gone; the message says where it is now."""


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

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be taken later: nobody answered, or the database could not take it now."""
        return self.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED") or self.reason == "STORAGE_FULL"

    def in_other_words(self, message: str) -> Self:
        """Return the same refusal with a message for those who know no RPCs."""
        return type(self)(message, code=self.code, reason=self.reason)


class ObjectNotFound(ServerError):
    """What was asked for is not there."""


class ObjectAlreadyExists(ServerError):
    """What should be created is there already."""


class ObjectLimitReached(ServerError):
    """The server has as many objects of a kind as it may have."""


class ObjectUnsupported(ServerError):
    """Something was asked for that this server cannot do; the message says what."""


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


#: What code that knows HTTP catches for any refusal by the server.
AntiphonHTTPStatusError = ServerError


class AntiphonSignal(BaseException):
    """Base of what interrupts user code on purpose; not an `Exception`, so that `except Exception` lets it pass."""


class Abort(AntiphonSignal):
    """Raised inside a run that must stop because the server refused to let it go on."""


class ExternalSignal(BaseException):
    """Base of what comes from outside the process."""


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


class TerminationSignal(AntiphonSignal, ExternalSignal):
    """Raised inside a run when the process is told to end (SIGTERM)."""


def exception_traceback(exc: BaseException) -> str:
    """Return an exception's traceback as Python prints it."""
    return "".join(traceback.TracebackException.from_exception(exc).format())

"""What goes wrong by the caller's or the world's fault, without a word about gRPC.

Each error carries a stable UPPER_SNAKE `reason` that programs may rely on, a message for people (cause and next step)
and optionally the field that is wrong. The rpc layer turns the class into a status code.
"""

from collections.abc import Mapping
from types import MappingProxyType


class AntiphonError(Exception):
    """Base of all errors that are answers and not bugs."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        retry_after: int | None = None,
        metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        #: Path of the request field that is wrong, for InvalidArgument.
        self.field = field
        #: Microseconds after which the same call may succeed, where that is known.
        self.retry_after = retry_after
        #: What programs may want to know of the cause, such as the id of what is in the way.
        self.metadata = metadata


class InvalidArgument(AntiphonError):
    """The request is wrong whatever the state of the system."""

    #: (path of the field, what is wrong with it), where several are.
    violations: tuple[tuple[str, str], ...] = ()


class NotFound(AntiphonError):
    """What the request names is not there."""


def not_found(noun: str, id: str, why: str = "it was never created, or it was deleted") -> NotFound:
    """`noun` is what people call it, such as `flow run`; the reason follows from it."""
    return NotFound(f"{noun.upper().replace(' ', '_')}_NOT_FOUND", f"there is no {noun} {id}; {why}")


class AlreadyExists(AntiphonError):
    """What the request would create is there, or its id was used for something else."""


class FailedPrecondition(AntiphonError):
    """The system is not in the state that the request needs; asking again changes nothing."""


class Aborted(AntiphonError):
    """Somebody else was there first: a stale etag, a superseded session. Read again and decide anew."""


class OutOfRange(AntiphonError):
    """A cursor points to what is no longer, or not yet, there."""


class Unauthenticated(AntiphonError):
    """A token that this server never gave."""


class ResourceExhausted(AntiphonError):
    """A bound is reached: a queue, a window, the disk."""


class Unavailable(AntiphonError):
    """The server cannot answer now; the same request may succeed later."""


class DeadlineExceeded(AntiphonError):
    """The answer took longer than the caller, or the server, is willing to wait."""


class Internal(AntiphonError):
    """A bug of the server; its log has the details."""

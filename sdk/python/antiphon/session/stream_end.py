"""Why a stream ended, and what follows from it."""

from dataclasses import dataclass
from enum import Enum, auto

import grpc

from antiphon.exceptions import AntiphonException, ServerUnreachable
from antiphon.server_errors import from_rpc_error

_LOST_REASONS = frozenset({"RESUME_TOKEN_INVALID", "SESSION_EXPIRED", "SESSION_SUPERSEDED", "SEQUENCE_GAP"})
#: Nobody's fault, or one that passes. INTERNAL is also what a killed server leaves behind, and CANCELLED a proxy.
_PASSING_CODES = frozenset(
    {"ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN"}
)


class EndKind(Enum):
    """What to do now."""

    #: Attach again, after a while.
    RETRY = auto()
    #: No server could be found or started; nobody was dialled.
    NOWHERE = auto()
    #: The server has given the session up.
    LOST = auto()
    #: The server will not take what we say, however often.
    REFUSED = auto()
    #: We hung up ourselves for a moment, and the connection is in order.
    PAUSED = auto()


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of one stream, or of an attempt at one."""

    kind: EndKind
    cause: AntiphonException
    #: Seconds that the server asks us to stay away.
    retry_after: float = 0.0
    #: Another server is there that is to be tried first.
    elsewhere: bool = False


def paused() -> StreamEnd:
    """We hung up."""
    return StreamEnd(EndKind.PAUSED, ServerUnreachable("the stream rests", code="CANCELLED"))


def left(target: str, reason: str) -> StreamEnd:
    """We left the server at `target` for another one; `reason` says what about it."""
    cause = ServerUnreachable(f"The server at {target} {reason}", code="UNAVAILABLE")
    return StreamEnd(EndKind.RETRY, cause)


def read_end(error: grpc.RpcError | None, target: str) -> StreamEnd:
    """What a stream to `target` ended with; None stands for a peaceful end by the server."""
    if error is None:
        cause = ServerUnreachable(f"The server at {target} has ended the stream", code="UNAVAILABLE")
        return StreamEnd(EndKind.RETRY, cause)
    failure = from_rpc_error(error, target)
    if failure.reason in _LOST_REASONS:
        return StreamEnd(EndKind.LOST, failure)
    if failure.code in _PASSING_CODES:
        return StreamEnd(EndKind.RETRY, failure, failure.retry_after or 0.0)
    return StreamEnd(EndKind.REFUSED, failure)

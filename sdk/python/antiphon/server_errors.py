"""Turns what a gRPC call failed with into the exceptions of `antiphon.exceptions`."""

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from antiphon.exceptions import (
    BlockNotFound,
    NotPausedError,
    ObjectAlreadyExists,
    ObjectNotFound,
    ProtectedBlockError,
    ServerError,
    ServerUnreachable,
)

_DETAILS_KEY = "grpc-status-details-bin"
_CLASSES: dict[str, type[ServerError]] = {"NOT_FOUND": ObjectNotFound, "ALREADY_EXISTS": ObjectAlreadyExists}
_CLASSES_BY_REASON: dict[str, type[ServerError]] = {
    "BLOCK_DOCUMENT_NOT_FOUND": BlockNotFound,
    "BLOCK_TYPE_NOT_FOUND": BlockNotFound,
    "BLOCK_TYPE_PROTECTED": ProtectedBlockError,
    "RUN_NOT_PAUSED": NotPausedError,
}
#: The reason of a server that has too much to do and has done nothing of what was asked.
BUSY = "SERVER_BUSY"
#: What gRPC says of a stream that the other side reset; who cancels here reads other words.
_RESET = "CANCELLED"
START_HINT = "Start it with `antiphon server start`, or see `antiphon config view` for the address in use."
_SLOW_HINT = "Try again; if it stays so, look at the server's log."
_UPGRADE_HINT = "It is probably older than this client: upgrade it."


def from_rpc_error(error: grpc.RpcError, target: str = "") -> ServerError:
    """Return the exception for a failed call to `target` (only named in messages).

    It is a ServerUnreachable where no Antiphon server answered; the cause of a refusal by the server is its own words.
    """
    status = _status_of(error)
    where = f" at {target}" if target else ""
    if status.details:
        return from_status(status)
    if status.code == code_pb2.UNAVAILABLE:
        cause = status.message or "no connection"
        return ServerUnreachable(f"No server answers{where}: {cause}. {START_HINT}", code="UNAVAILABLE")
    if status.code == code_pb2.CANCELLED and status.message == _RESET:
        cause = "it was reset, as by a server that gets more calls than it can answer"
        words = f"The call was not taken in{where}: {cause}. {_SLOW_HINT}"
        return ServerUnreachable(words, code="UNAVAILABLE", reason=BUSY)
    if status.code == code_pb2.DEADLINE_EXCEEDED:
        return ServerError(f"The server{where} did not answer in time. {_SLOW_HINT}", code="DEADLINE_EXCEEDED")
    if status.code == code_pb2.UNIMPLEMENTED:
        return ServerError(f"The server{where} does not know this request. {_UPGRADE_HINT}", code="UNIMPLEMENTED")
    return from_status(status)


def from_status(status: status_pb2.Status) -> ServerError:
    """Return the exception for a status that a server sent, in band or at the end of a call."""
    code = _code_name(status.code)
    message = "\n".join([status.message or code, *_violations(status)])
    info = _info(status)
    kind = _CLASSES_BY_REASON.get(info.reason) or _CLASSES.get(code, ServerError)
    return kind(message, code=code, reason=info.reason, metadata=info.metadata, retry_after=_retry_after(status))


def _status_of(error: grpc.RpcError) -> status_pb2.Status:
    """The rich status of a call's error; one made of its code and words where the answer had none."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return status_pb2.Status(code=code_pb2.UNKNOWN, message=str(error) or type(error).__name__)
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status = _decode(value)
            if status is not None:
                return status
    return status_pb2.Status(code=error.code().value[0], message=error.details() or "")


def _decode(value: bytes) -> status_pb2.Status | None:
    try:
        return status_pb2.Status.FromString(value)
    except DecodeError:
        return None  # the code and the words of the call still tell what went wrong


def _code_name(code: int) -> str:
    return code_pb2.Code.Name(code) if code in code_pb2.Code.values() else f"CODE_{code}"


def _info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    """Empty where there is none."""
    info = error_details_pb2.ErrorInfo()
    any(detail.Unpack(info) for detail in status.details)
    return info


def _retry_after(status: status_pb2.Status) -> float | None:
    info = error_details_pb2.RetryInfo()
    found = any(detail.Unpack(info) for detail in status.details)
    return max(0.0, info.retry_delay.ToTimedelta().total_seconds()) if found else None


def _violations(status: status_pb2.Status) -> list[str]:
    """A line for each wrong field that the message does not name already."""
    request = error_details_pb2.BadRequest()
    return [
        f"{violation.field}: {violation.description}"
        for detail in status.details
        if detail.Unpack(request)
        for violation in request.field_violations
        if violation.description not in status.message
    ]

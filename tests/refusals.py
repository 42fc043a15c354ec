"""How calls fail: every error that a server means to give is a `google.rpc.Status` with one ErrorInfo."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
#: What no caller's words may lead to.
BUGS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


@dataclass(frozen=True)
class Refusal:
    """What a caller can read from an error."""

    code: grpc.StatusCode
    reason: str
    message: str
    #: Of BadRequest.
    fields: tuple[str, ...] = ()
    #: Of PreconditionFailure.
    preconditions: tuple[str, ...] = ()
    retry_after: timedelta | None = None


def refusal_in(status: status_pb2.Status) -> Refusal:
    """Reads a status, and checks its form."""
    infos: list[Any] = []
    fields: tuple[str, ...] = ()
    preconditions: tuple[str, ...] = ()
    retry_after = None
    for detail in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.PreconditionFailure,
            error_details_pb2.RetryInfo,
        ):
            message: Any = kind()
            if not detail.Unpack(message):
                continue
            if kind is error_details_pb2.ErrorInfo:
                infos.append(message)
            elif kind is error_details_pb2.BadRequest:
                fields = tuple(each.field for each in message.field_violations)
                assert all(each.description for each in message.field_violations)
            elif kind is error_details_pb2.PreconditionFailure:
                preconditions = tuple(each.type for each in message.violations)
            else:
                retry_after = message.retry_delay.ToTimedelta()
    (info,) = infos
    assert info.domain == "antiphon"
    assert info.reason == info.reason.upper()
    assert status.message
    (code,) = (each for each in grpc.StatusCode if each.value[0] == status.code)
    return Refusal(code, info.reason, status.message, fields, preconditions, retry_after)


def refusal_of(error: grpc.RpcError) -> Refusal:
    """Reads the error of a call whose server meant to refuse it."""
    trailers = dict(error.trailing_metadata() or ())
    assert DETAILS_KEY in trailers, f"{error.code()} without details: {error.details()}"
    refusal = refusal_in(status_pb2.Status.FromString(trailers[DETAILS_KEY]))
    assert (refusal.code, refusal.message) == (error.code(), error.details())
    return refusal


def refused(call: Callable[[], Any]) -> Refusal:
    """Calls, and gives how that was refused."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return refusal_of(error)
    raise AssertionError(f"not refused but answered: {answer}")


def check_end(error: grpc.RpcError) -> None:
    """Whatever a caller has said: a refusal of ours says what it is; the library's own are few and known."""
    assert error.code() not in BUGS, f"{error.code()}: {error.details()}"
    if DETAILS_KEY in dict(error.trailing_metadata() or ()):
        refusal_of(error)
    else:
        known = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert error.code() in known, f"{error.code()}: {error.details()}"

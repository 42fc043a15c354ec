"""From what went wrong to `google.rpc.Status`: a code, one ErrorInfo of the domain `antiphon`, and details by kind."""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from antiphon_server.domain import errors

DOMAIN = "antiphon"
DETAILS_KEY = "grpc-status-details-bin"

_CODES: dict[type[errors.AntiphonError], int] = {
    errors.InvalidArgument: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.FailedPrecondition: code_pb2.FAILED_PRECONDITION,
    errors.Aborted: code_pb2.ABORTED,
    errors.OutOfRange: code_pb2.OUT_OF_RANGE,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.ResourceExhausted: code_pb2.RESOURCE_EXHAUSTED,
    errors.Unavailable: code_pb2.UNAVAILABLE,
    errors.DeadlineExceeded: code_pb2.DEADLINE_EXCEEDED,
    errors.Internal: code_pb2.INTERNAL,
}

GRPC_CODES: dict[int, grpc.StatusCode] = {each.value[0]: each for each in grpc.StatusCode}


def ended_with(context: Any) -> grpc.StatusCode:
    """How a call has ended, for the `finally` around it: what is cancelled has told its context of no code."""
    if isinstance(sys.exc_info()[1], asyncio.CancelledError):
        return grpc.StatusCode.CANCELLED
    return code_of(context)


def code_of(context: Any) -> grpc.StatusCode:
    """How a call has ended, as far as its context was told: one that was not has ended well."""
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else GRPC_CODES.get(code or 0, grpc.StatusCode.UNKNOWN)


#: Bytes of a message, and of all violations together. Details travel in trailers, of which gRPC takes 8 KiB: there the
#: message stands twice, once with up to three characters for a byte.
MESSAGE_BYTES = 1000
VIOLATION_BYTES = 1500


def _cut(text: str, size: int) -> str:
    """`text` in at most `size` bytes."""
    whole = text.encode(errors="replace")
    return whole.decode() if len(whole) <= size else whole[: size - 4].decode(errors="ignore") + " ..."


def _cut_all(violations: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many as there is room for, at least one."""
    cut: list[tuple[str, str]] = []
    left = VIOLATION_BYTES
    for field, description in violations:
        told = (_cut(field, VIOLATION_BYTES // 3), _cut(description, MESSAGE_BYTES))
        left -= sum(len(text.encode()) for text in told)
        if left < 0:
            break
        cut.append(told)
    return cut


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def to_status(error: errors.AntiphonError) -> status_pb2.Status:
    """The error as it travels, on a call's trailers or in a frame; long texts are cut."""
    text = _cut(error.message, MESSAGE_BYTES)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Message] = [info]
    if isinstance(error, errors.InvalidArgument) and (error.field or error.violations):
        violations = _cut_all(error.violations or ((error.field or "", text),))
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
                    for field, description in violations
                ]
            )
        )
    elif isinstance(error, errors.FailedPrecondition):
        violation = error_details_pb2.PreconditionFailure.Violation(type=error.reason, description=text)
        details.append(error_details_pb2.PreconditionFailure(violations=[violation]))
    if error.retry_after is not None:
        seconds, micros = divmod(error.retry_after, 1_000_000)
        delay = duration_pb2.Duration(seconds=seconds, nanos=micros * 1000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(code=_CODES[type(error)], message=text, details=[_pack(detail) for detail in details])

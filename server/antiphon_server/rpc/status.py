"""From what went wrong to `google.rpc.Status`: a code, one ErrorInfo of the domain `antiphon`, and details by kind."""

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


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def to_status(error: errors.AntiphonError) -> status_pb2.Status:
    """The error as it travels, on a call's trailers or in a frame."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Message] = [info]
    if isinstance(error, errors.InvalidArgument) and (error.field or error.violations):
        violations = error.violations or ((error.field or "", error.message),)
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
                    for field, description in violations
                ]
            )
        )
    elif isinstance(error, errors.FailedPrecondition):
        violation = error_details_pb2.PreconditionFailure.Violation(type=error.reason, description=error.message)
        details.append(error_details_pb2.PreconditionFailure(violations=[violation]))
    if error.retry_after is not None:
        seconds, micros = divmod(error.retry_after, 1_000_000)
        delay = duration_pb2.Duration(seconds=seconds, nanos=micros * 1000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(
        code=_CODES[type(error)], message=error.message, details=[_pack(detail) for detail in details]
    )

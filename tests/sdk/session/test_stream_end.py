"""What follows from the status that a stream ends with."""

import grpc
import pytest
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from antiphon.exceptions import ServerUnreachable
from antiphon.session.stream_end import EndKind, read_end
from session_model import make_status


class CallError(grpc.RpcError, grpc.Call):  # type: ignore[misc]  # gRPC ships no types
    """An error as gRPC raises it."""

    def __init__(self, status: status_pb2.Status, trailing: tuple[tuple[str, bytes], ...] | None = None) -> None:
        full = rpc_status.to_status(status)
        self._code: grpc.StatusCode = full.code
        self._details: str = full.details
        self._trailing = full.trailing_metadata if trailing is None else trailing

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return self._trailing

    initial_metadata = trailing_metadata

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> None: ...

    def cancel(self) -> None: ...

    def add_callback(self, callback: object) -> bool:
        return False


def bare(code: str) -> status_pb2.Status:
    return status_pb2.Status(code=code_pb2.Code.Value(code), message="words")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (bare("UNAVAILABLE"), EndKind.RETRY),
        (bare("INTERNAL"), EndKind.RETRY),
        (bare("CANCELLED"), EndKind.RETRY),
        (bare("UNKNOWN"), EndKind.RETRY),
        (bare("DEADLINE_EXCEEDED"), EndKind.RETRY),
        (bare("RESOURCE_EXHAUSTED"), EndKind.RETRY),
        (bare("ABORTED"), EndKind.RETRY),
        (make_status("ABORTED", "SESSION_SUPERSEDED"), EndKind.LOST),
        (make_status("FAILED_PRECONDITION", "SESSION_EXPIRED"), EndKind.LOST),
        (make_status("FAILED_PRECONDITION", "SEQUENCE_GAP"), EndKind.LOST),
        (make_status("UNAUTHENTICATED", "RESUME_TOKEN_INVALID"), EndKind.LOST),
        (make_status("UNAUTHENTICATED", "OTHER"), EndKind.REFUSED),
        (bare("UNIMPLEMENTED"), EndKind.REFUSED),
        (bare("INVALID_ARGUMENT"), EndKind.REFUSED),
        (bare("PERMISSION_DENIED"), EndKind.REFUSED),
    ],
    ids=str,
)
def test_what_follows(status: status_pb2.Status, kind: EndKind) -> None:
    end = read_end(CallError(status), "unix:/s")
    assert end.kind is kind and end.retry_after == 0.0


def test_a_peaceful_end_is_tried_again() -> None:
    end = read_end(None, "unix:/s")
    assert end.kind is EndKind.RETRY
    assert isinstance(end.cause, ServerUnreachable) and "unix:/s" in str(end.cause)


def test_the_server_may_name_a_delay() -> None:
    status = make_status("RESOURCE_EXHAUSTED", "STORAGE_FULL", retry_after=2.5)
    assert read_end(CallError(status), "").retry_after == 2.5


@pytest.mark.parametrize(
    "trailing",
    [
        (("grpc-status-details-bin", b"\xff\xff nonsense"),),
        (("grpc-status-details-bin", bare("NOT_FOUND").SerializeToString()),),
        (),
    ],
    ids=["undecodable", "of another code", "missing"],
)
def test_details_that_make_no_sense_ask_for_nothing(trailing: tuple[tuple[str, bytes], ...]) -> None:
    assert read_end(CallError(bare("UNAVAILABLE"), trailing), "").retry_after == 0.0

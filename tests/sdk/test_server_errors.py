"""Errors of calls, on a real channel to a real server that fails as told."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from antiphon.channels import CHANNEL_OPTIONS
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound, ServerError, ServerUnreachable
from antiphon.server_errors import from_rpc_error, from_status
from antiphon.service_client import ServiceClient
from antiphon.v1 import admin_service_pb2, admin_service_pb2_grpc

Handler = Callable[[grpc.ServicerContext], admin_service_pb2.GetServerInfoResponse]


class FailingAdmin(admin_service_pb2_grpc.AdminServiceServicer):
    handler: Handler

    def GetServerInfo(self, request, context):  # type: ignore[no-untyped-def]
        return self.handler(context)

    def ListSessions(self, request, context):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def StopServer(self, request, context):  # type: ignore[no-untyped-def]
        raise NotImplementedError


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., Message]]:
    """Calls GetServerInfo on a server whose answer is made by the given function."""
    admin = FailingAdmin()
    server = grpc.server(ThreadPoolExecutor(2))
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(admin, server)
    target = f"unix:{tmp_path}/s"
    server.add_insecure_port(target)
    server.start()

    with ServiceClient(target) as client:

        def call(handler: Handler, timeout: float = 30) -> Message:
            admin.handler = handler
            request = admin_service_pb2.GetServerInfoRequest()
            response: Message = client.call(client.admin.GetServerInfo, request, timeout=timeout)
            return response

        yield call
    server.stop(None).wait()


def status(code: str, message: str, *details: Message) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code_pb2.Code.Value(code), message=message, details=packed)


def abort(code: str, message: str, *details: Message) -> Handler:
    def handler(context: grpc.ServicerContext) -> admin_service_pb2.GetServerInfoResponse:
        context.abort_with_status(rpc_status.to_status(status(code, message, *details)))
        raise AssertionError

    return handler


INFO = error_details_pb2.ErrorInfo(reason="SOME_REASON", domain="antiphon")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NOT_FOUND", ObjectNotFound),
        ("ALREADY_EXISTS", ObjectAlreadyExists),
        ("FAILED_PRECONDITION", ServerError),
        ("UNAVAILABLE", ServerError),
        ("UNIMPLEMENTED", ServerError),
        ("DEADLINE_EXCEEDED", ServerError),
    ],
)
def test_refusals_keep_code_reason_and_words(ask: Callable[..., Message], code: str, kind: type[ServerError]) -> None:
    with pytest.raises(ServerError) as caught:
        ask(abort(code, "Why. Next step.", INFO))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.reason) == (code, "SOME_REASON")
    assert str(caught.value) == "Why. Next step."


def test_wrong_fields_are_named(ask: Callable[..., Message]) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation
    bad = error_details_pb2.BadRequest(
        field_violations=[violation(field="flow_run.name", description="is too long"), violation(description="Wrong")]
    )
    with pytest.raises(ServerError) as caught:
        ask(abort("INVALID_ARGUMENT", "Wrong", INFO, bad))
    assert str(caught.value) == "Wrong\nflow_run.name: is too long"


def test_error_without_details_has_its_code_and_words(ask: Callable[..., Message]) -> None:
    def handler(context: grpc.ServicerContext) -> admin_service_pb2.GetServerInfoResponse:
        context.abort(grpc.StatusCode.NOT_FOUND, "not here")
        raise AssertionError

    with pytest.raises(ObjectNotFound, match=r"^not here$") as caught:
        ask(handler)
    assert caught.value.reason == ""


def test_details_that_cannot_be_read_are_passed_over(ask: Callable[..., Message]) -> None:
    def handler(context: grpc.ServicerContext) -> admin_service_pb2.GetServerInfoResponse:
        context.set_trailing_metadata([("grpc-status-details-bin", b"\xff\xff")])
        context.abort(grpc.StatusCode.ABORTED, "stale")
        raise AssertionError

    with pytest.raises(ServerError, match=r"^stale$") as caught:
        ask(handler)
    assert caught.value.code == "ABORTED"


def test_slow_server_is_told(ask: Callable[..., Message], tmp_path: Path) -> None:
    asked = threading.Event()

    def handler(context: grpc.ServicerContext) -> admin_service_pb2.GetServerInfoResponse:
        asked.wait()
        return admin_service_pb2.GetServerInfoResponse()

    with pytest.raises(ServerError, match=f"server at unix:{tmp_path}/s did not answer in time") as caught:
        ask(handler, timeout=0.05)
    asked.set()
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_server_without_the_method_is_told(tmp_path: Path) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_insecure_port(f"unix:{tmp_path}/s")
    server.start()
    with (
        ServiceClient(f"unix:{tmp_path}/s") as client,
        pytest.raises(ServerError, match="does not know this request") as caught,
    ):
        client.call(client.admin.GetServerInfo, admin_service_pb2.GetServerInfoRequest())
    assert caught.value.code == "UNIMPLEMENTED"
    server.stop(None).wait()


def test_nobody_there(tmp_path: Path) -> None:
    with ServiceClient(f"unix:{tmp_path}/none") as client, pytest.raises(ServerUnreachable) as caught:
        client.call(client.admin.GetServerInfo, admin_service_pb2.GetServerInfoRequest())
    assert caught.value.code == "UNAVAILABLE"
    assert str(caught.value).startswith(f"No server answers at unix:{tmp_path}/none: ")
    assert "antiphon server start" in str(caught.value)


def test_status_in_band() -> None:
    error = from_status(status("NOT_FOUND", "gone", INFO))
    assert type(error) is ObjectNotFound
    assert (str(error), error.code, error.reason) == ("gone", "NOT_FOUND", "SOME_REASON")


def test_unknown_code_and_empty_message() -> None:
    error = from_status(status_pb2.Status(code=99))
    assert (str(error), error.code) == ("CODE_99", "CODE_99")


def test_error_that_is_no_call() -> None:
    error = from_rpc_error(grpc.RpcError("odd"))
    assert (str(error), error.code) == ("odd", "UNKNOWN")


def test_channel_takes_large_messages() -> None:
    options = dict(CHANNEL_OPTIONS)
    assert options["grpc.max_receive_message_length"] == options["grpc.max_send_message_length"] == 16 * 1024 * 1024

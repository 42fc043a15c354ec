"""The client that waits for a server which is away, or busy."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from antiphon.exceptions import ServerError
from antiphon.patient_client import PatientClient
from antiphon.settings import temporary_settings
from antiphon.v1 import admin_service_pb2, flow_service_pb2, flow_service_pb2_grpc
from antiphon.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server

FULL = (code_pb2.RESOURCE_EXHAUSTED, "STORAGE_FULL")
BUSY = (code_pb2.UNAVAILABLE, "STORAGE_BUSY")
WRONG = (code_pb2.INVALID_ARGUMENT, "FILTER_INVALID")


class Servicer:
    """Answers once it has refused in all these ways."""

    def __init__(self) -> None:
        self.refusals: list[tuple[int, str]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda request, context: context.abort(grpc.StatusCode.UNIMPLEMENTED, name)

    def ListFlows(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self.refusals:
            code, reason = self.refusals.pop(0)
            details = [_any(error_details_pb2.ErrorInfo(reason=reason, domain="antiphon"))]
            if code != code_pb2.INVALID_ARGUMENT:
                details.append(_any(error_details_pb2.RetryInfo(retry_delay=Duration(nanos=1_000_000))))
            context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code, message="no", details=details)))
        return flow_service_pb2.ListFlowsResponse()

    def GetServerInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return admin_service_pb2.GetServerInfoResponse()


def _any(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


@pytest.fixture
def servicer(tmp_path: Path) -> Iterator[Servicer]:
    fake = Servicer()
    server = grpc.server(ThreadPoolExecutor(2))
    flow_service_pb2_grpc.add_FlowServiceServicer_to_server(fake, server)  # type: ignore[no-untyped-call]
    add_AdminServiceServicer_to_server(fake, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"unix:{tmp_path}/s")
    server.start()
    with temporary_settings({"api_url": f"unix:{tmp_path}/s"}):
        yield fake
    server.stop(None).wait()


def ask() -> None:
    with PatientClient() as client:
        client.call(client.flows.ListFlows, flow_service_pb2.ListFlowsRequest())


def test_a_database_that_takes_nothing_now_is_waited_for(servicer: Servicer) -> None:
    servicer.refusals = [FULL, BUSY, FULL]
    ask()
    assert servicer.refusals == []


def test_patience_has_an_end(servicer: Servicer) -> None:
    servicer.refusals = [FULL] * 2
    with temporary_settings({"client.reconnect_timeout_seconds": 0}), pytest.raises(ServerError, match="no"):
        ask()
    assert servicer.refusals == [FULL]


def test_what_is_wrong_is_not_asked_again(servicer: Servicer) -> None:
    servicer.refusals = [WRONG, WRONG]
    with pytest.raises(ServerError, match="no") as caught:
        ask()
    assert (caught.value.may_pass, servicer.refusals) == (False, [WRONG])

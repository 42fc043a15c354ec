"""The client beside its errors, which have a test of their own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import grpc_testing
import pytest

from antiphon import service_client as client_module
from antiphon.exceptions import ServerError, ServerUnreachable, SettingError
from antiphon.service_client import ServiceClient
from antiphon.settings import Settings, temporary_settings
from antiphon.v1 import admin_service_pb2, flow_pb2, flow_service_pb2, flow_service_pb2_grpc
from antiphon.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server


class Servicer:
    """Flows named 0 to 9 in pages of at most `most`; answers of more than `most` are too large for a message."""

    most = 1000
    sizes: list[int]

    def __getattr__(self, name: str) -> Any:
        return lambda request, context: context.abort(grpc.StatusCode.UNIMPLEMENTED, name)

    def ListFlows(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.sizes.append(request.page_size)
        if request.page_size > self.most:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "message larger than max")
        start = int(request.page_token or 0)
        end = min(10, start + request.page_size)
        flows = [flow_pb2.Flow(name=str(number)) for number in range(start, end)]
        return flow_service_pb2.ListFlowsResponse(flows=flows, next_page_token=str(end) if end < 10 else "")

    def GetServerInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return admin_service_pb2.GetServerInfoResponse()


ADDERS: tuple[Callable[[Any, grpc.Server], None], ...] = (
    flow_service_pb2_grpc.add_FlowServiceServicer_to_server,
    add_AdminServiceServicer_to_server,
)


@pytest.fixture
def servicer() -> Servicer:
    fake = Servicer()
    fake.sizes = []
    return fake


@pytest.fixture
def client(servicer: Servicer, tmp_path: Path) -> Iterator[ServiceClient]:
    server = grpc.server(ThreadPoolExecutor(2))
    for add in ADDERS:
        add(servicer, server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    server.start()
    with temporary_settings({"api_url": f"unix:{tmp_path}/s"}), ServiceClient() as client:
        yield client
    server.stop(None).wait()


def names(client: ServiceClient, limit: int | None = None) -> list[str]:
    request = flow_service_pb2.ListFlowsRequest()
    return [flow.name for flow in client.pages(client.flows.ListFlows, request, "flows", limit=limit)]


def test_pages_up_to_the_limit(client: ServiceClient, servicer: Servicer) -> None:
    assert names(client) == [str(number) for number in range(10)]
    assert names(client, 4) == ["0", "1", "2", "3"]
    assert servicer.sizes[-1] == 4
    assert names(client, 10) == names(client, 99)


def test_pages_get_smaller_until_they_fit(client: ServiceClient, servicer: Servicer) -> None:
    servicer.most = 3
    assert names(client, 9) == [str(number) for number in range(9)]
    assert servicer.sizes == [9, 4, 2, 2, 2, 2, 1]


def test_item_that_never_fits_is_told(client: ServiceClient, servicer: Servicer) -> None:
    servicer.most = 0
    with pytest.raises(ServerError, match="larger than max"):
        names(client, 2)


def test_a_page_is_asked_for_when_the_one_before_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    service = flow_service_pb2.DESCRIPTOR.services_by_name["FlowService"]
    method = service.methods_by_name["ListFlows"]
    channel = grpc_testing.channel([service], grpc_testing.strict_real_time())
    monkeypatch.setattr(grpc, "insecure_channel", lambda *_, **__: channel)

    def answer(name: str, token: str) -> str:
        """Answers the next call; gives the page token that it came with."""
        _, request, call = channel.take_unary_unary(method)
        call.send_initial_metadata(())
        response = flow_service_pb2.ListFlowsResponse(flows=[flow_pb2.Flow(name=name)], next_page_token=token)
        call.terminate(response, (), grpc.StatusCode.OK, "")
        return str(request.page_token)

    client = ServiceClient("anywhere")
    pages = client.pages(client.flows.ListFlows, flow_service_pb2.ListFlowsRequest(), "flows")
    with ThreadPoolExecutor(1) as pool:
        for name, came_with, token in (("a", "", "t"), ("b", "t", "")):
            found = pool.submit(next, pages)
            assert answer(name, token) == came_with
            assert found.result(20).name == name
        assert pool.submit(next, pages, None).result(20) is None


def test_reconnect_waits_for_an_answer(client: ServiceClient, tmp_path: Path) -> None:
    client.reconnect(10)
    with ServiceClient(f"unix:{tmp_path}/none") as nobody, pytest.raises(ServerUnreachable, match=r"for 0\.05 s"):
        nobody.reconnect(0.05)


def test_reconnect_looks_again_whether_a_server_must_be_started(
    servicer: Servicer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed may seem to listen for a moment, and then nobody has started another one."""
    server = grpc.server(ThreadPoolExecutor(2))
    for add in ADDERS:
        add(servicer, server)
    looks: list[int] = []

    def connect_target(_: Settings) -> str:
        looks.append(1)
        if len(looks) == 3:
            server.add_insecure_port(f"unix:{tmp_path}/s")
            server.start()
        return f"unix:{tmp_path}/s"

    monkeypatch.setattr(client_module, "connect_target", connect_target)
    monkeypatch.setattr(client_module, "_LONGEST_WAIT_SECONDS", 0.05)
    with ServiceClient() as client:
        client.reconnect(60)
    assert len(looks) >= 3
    server.stop(None).wait()


def test_reconnect_follows_names_of_a_list_to_other_addresses(
    servicer: Servicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    for add in ADDERS:
        add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    addresses = ["ipv4:127.0.0.1:1", f"ipv4:127.0.0.1:{port}"]
    monkeypatch.setattr(client_module, "balanced", lambda _: addresses[0])
    monkeypatch.setattr(client_module, "_LONGEST_WAIT_SECONDS", 0.05)
    with ServiceClient("one:1,two:2") as client:
        stale = client.flows.ListFlows
        with pytest.raises(ServerUnreachable, match="No server answers at one:1,two:2"):
            names(client)
        addresses.pop(0)
        client.reconnect(60)
        assert len(names(client)) == 10
        with pytest.raises(ServerUnreachable):
            client.call(stale, flow_service_pb2.ListFlowsRequest())
    with pytest.raises(ValueError, match="closed"):
        stale(flow_service_pb2.ListFlowsRequest())
    server.stop(None).wait()


def test_closed_client_refuses(client: ServiceClient) -> None:
    client.close()
    with pytest.raises(ValueError, match="closed"):
        names(client)


def test_wrong_address_is_told() -> None:
    with pytest.raises(SettingError, match="ANTIPHON_API_URL"), temporary_settings({"api_url": "nonsense"}):
        ServiceClient()

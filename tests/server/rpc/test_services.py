"""What a server offers besides its own services: reflection, health, channelz."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from antiphon_server.server import SERVICES
from hand_session import HandSession
from running_server import RunningServer

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def reflect(server: RunningServer, **ask: Any) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    (answer,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**ask)]))
    return answer


def test_reflection_lists_every_service(server: RunningServer) -> None:
    listed = {service.name for service in reflect(server, list_services="").list_services_response.service}
    assert listed == {
        *SERVICES,
        "grpc.channelz.v1.Channelz",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("symbol", ["antiphon.v1.FlowRun", "antiphon.v1.SessionService", "grpc.health.v1.Health"])
def test_reflection_describes_services_and_messages(server: RunningServer, symbol: str) -> None:
    answer = reflect(server, file_containing_symbol=symbol)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(each)
        for each in answer.file_descriptor_response.file_descriptor_proto
    ]
    names = {f"{file.package}.{each.name}" for file in files for each in (*file.message_type, *file.service)}
    assert symbol in names


def test_reflection_says_what_it_does_not_know(server: RunningServer) -> None:
    answer = reflect(server, file_containing_symbol="antiphon.v1.Nothing")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_each_service_is_healthy(server: RunningServer, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(service=service)).status == SERVING


def test_health_of_what_is_not_there(server: RunningServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    with pytest.raises(grpc.RpcError) as refused:
        stub.Check(health_pb2.HealthCheckRequest(service="antiphon.v1.Nothing"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def watched_health(server: RunningServer) -> Iterator[int]:
    stub = health_pb2_grpc.HealthStub(server.channel)
    for answer in stub.Watch(health_pb2.HealthCheckRequest(service=SERVICES[0]), timeout=60):
        yield answer.status


def test_who_watches_health_hears_of_the_end(server: RunningServer) -> None:
    health = watched_health(server)
    assert next(health) == SERVING
    session = HandSession(server.channel)
    server.run(server.server.stop)
    assert next(health) == NOT_SERVING
    assert session.next("command").command.HasField("drain")
    session.cut()


def test_channelz_tells_of_servers_and_sockets(server: RunningServer) -> None:
    stub = channelz_pb2_grpc.ChannelzStub(server.channel)
    servers = stub.GetServers(channelz_pb2.GetServersRequest()).server
    assert servers
    (ours,) = (each for each in servers if any(server.target in socket.name for socket in each.listen_socket))
    sockets = stub.GetServerSockets(channelz_pb2.GetServerSocketsRequest(server_id=ours.ref.server_id)).socket_ref
    assert sockets
    assert stub.GetSocket(channelz_pb2.GetSocketRequest(socket_id=sockets[0].socket_id)).socket.data.streams_started

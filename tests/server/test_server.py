"""How a server speaks to the wire's library."""

from pathlib import Path

import grpc
import pytest
from grpc._cython import cygrpc

from antiphon_server import server
from hand_session import HandSession
from running_server import RunningServer

PING = "grpc.http2.min_ping_interval_without_data_ms"


def test_the_library_knows_every_option() -> None:
    """It says nothing of one that it does not know."""
    library = Path(cygrpc.__file__).read_bytes()
    assert [name for name, _ in server.OPTIONS if name.encode() not in library] == []


def test_a_client_that_asks_often_whether_the_line_is_alive_is_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in life, but a hundred times as fast: the server takes a ping every 50 ms, the client sends one every 100 ms.
    options = [(name, 50 if name == PING else value) for name, value in server.OPTIONS]
    assert options != list(server.OPTIONS)
    monkeypatch.setattr(server, "OPTIONS", options)
    pings = [("grpc.keepalive_time_ms", 100), ("grpc.http2.max_pings_without_data", 0)]
    with RunningServer(tmp_path) as running, grpc.insecure_channel(running.target, options=pings) as channel:
        session = HandSession(channel, timeout=1.0)
        with pytest.raises(grpc.RpcError) as ended:
            session.next("command")
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED, ended.value.details()

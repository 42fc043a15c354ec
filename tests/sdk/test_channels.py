"""What gRPC does behind the channels."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from antiphon.channels import KEEPALIVE_TIME, open_channel, options_for
from antiphon_server.server import OPTIONS as SERVER_OPTIONS

TASKS = Path("/proc/self/task")

#: Prints whether there are threads of gRPC's: with a channel open, and half a second after the last one was closed.
PROGRAM = """
import os
import time

from antiphon.channels import open_channel


def is_up():
    return len(os.listdir("/proc/self/task")) > 1


channel = open_channel("unix:/nowhere")
print(is_up())
channel.close()
channel = None
end = time.monotonic() + 0.5
while time.monotonic() < end and is_up():
    time.sleep(0.01)
print(is_up())
"""


@pytest.mark.skipif(not TASKS.exists(), reason="a process's threads are counted in /proc")
def test_grpc_does_not_shut_down_with_the_last_channel() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == ["True", "True"]


SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
HEADERS = 1
#: "The last stream that I have seen is none", INTERNAL_ERROR: what a server says that stops as it takes a connection.
GOAWAY = bytes((0, 0, 8, 7, 0, 0, 0, 0, 0)) + bytes(4) + (2).to_bytes(4, "big")


def say_goaway(listener: socket.socket) -> None:
    """Takes one connection and no other, and says so once a call has begun there; then hangs up."""
    with listener:
        connection, _ = listener.accept()
    with connection:
        connection.sendall(SETTINGS)
        connection.recv(24, socket.MSG_WAITALL)  # the client's preface
        while True:
            head = connection.recv(9, socket.MSG_WAITALL)
            connection.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
            if head[3] == HEADERS:
                break
        connection.sendall(GOAWAY)


def test_a_stream_that_meets_a_stopping_server_ends(tmp_path: Path) -> None:
    """gRPC's own retries would have it wait for ever."""
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=say_goaway, args=(listener,), daemon=True).start()
    channel = open_channel(f"unix:{path}")
    ended: list[object] = []
    over = threading.Event()

    def requests() -> Iterator[bytes]:
        yield b""
        over.wait()

    def listen() -> None:
        try:
            ended.extend(channel.stream_stream("/antiphon.v1.SessionService/Attach")(requests()))
        except grpc.RpcError as error:
            ended.append(error.code())

    # A daemon: what never ends must not keep the tests.
    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    listening.join(20)
    over.set()
    assert ended == [grpc.StatusCode.UNAVAILABLE]
    channel.close()


def test_servers_accept_the_pings_of_clients() -> None:
    server = dict(SERVER_OPTIONS)
    assert server["grpc.http2.min_ping_interval_without_data_ms"] < KEEPALIVE_TIME * 1000
    assert dict(options_for("one:1"))["grpc.keepalive_time_ms"] == KEEPALIVE_TIME * 1000


def test_grpc_never_retries_by_itself() -> None:
    for target in ("unix:/a", "one:1", "one:1,two:2", "dns:///one:1"):
        assert dict(options_for(target))["grpc.enable_retries"] == 0


def test_a_peer_that_vanished_by_tcp_is_noticed_and_several_are_called_in_turn() -> None:
    assert "grpc.http2.ping_timeout_ms" not in dict(options_for("unix:/a"))
    assert dict(options_for("one:1"))["grpc.http2.ping_timeout_ms"] == 5000
    assert "grpc.service_config" not in dict(options_for("one:1"))
    for several in ("one:1,two:2", "dns:///one:1"):
        assert "round_robin" in str(dict(options_for(several))["grpc.service_config"])

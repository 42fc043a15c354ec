"""Links, on real sockets."""

import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Link, Stream


class Talker:
    """Says nothing, and tries again whenever a stream ends."""

    method = "/nobody/Knows"

    def __init__(self) -> None:
        self.ends: queue.SimpleQueue[EndKind] = queue.SimpleQueue()

    def parse(self, data: bytes) -> bytes:
        return data

    def requests(self, stream: Stream) -> Iterator[bytes]:
        yield b""
        stream.bell.listen()
        stream.bell.wait(None)

    def received(self, stream: Stream, message: Any) -> None: ...

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        stream.bell.ring()
        self.ends.put(end.kind)
        return 0.0

    def stopped(self, error: Exception | None) -> None: ...


@pytest.fixture
def mute(tmp_path: Path) -> Iterator[tuple[str, "queue.SimpleQueue[socket.socket]"]]:
    """A server that takes connections and never says a word; gives its target, and the connections."""
    taken: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            try:
                while True:
                    taken.put(listener.accept()[0])
            except OSError:
                return  # closed

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix:{path}", taken
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    while not taken.empty():
        taken.get().close()


def test_a_connection_attempt_that_a_fork_fell_into_is_not_waited_for(
    mute: tuple[str, "queue.SimpleQueue[socket.socket]"],
) -> None:
    target, taken = mute
    talker = Talker()
    link = Link("test", lambda: target, talker)
    link.start()
    try:
        with taken.get(timeout=10):
            link.request_pause()
            link.await_pause()
            assert talker.ends.get(timeout=10) is EndKind.PAUSED
            link.resume()
            # gRPC gives the first one up after 20 s.
            taken.get(timeout=10).close()
    finally:
        link.stop()
        assert link.join(10)

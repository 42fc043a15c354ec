"""An HTTP server of a test's own, on a Unix socket or a TCP port, that can go away and come back."""

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit


class Refused(Exception):
    """Ends a request with an error."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


class Call:
    """One request, and the way to answer it."""

    def __init__(self, handler: "_Handler") -> None:
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = unquote(parts.path)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        self.query = dict(pairs)
        self.headers = handler.headers
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length) if length else b""
        self._handler = handler

    def json(self) -> Any:
        """The body as JSON; refuses one that is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(400, f"the body is no JSON: {error}") from None

    def answer(self, status: int, body: Any = None, content_type: str = "application/json") -> None:
        """One whole answer; without a body for None."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self._handler.send_response(status)
        if data:
            self._handler.send_header("Content-Type", content_type)
        self._handler.send_header("Content-Length", str(len(data)))
        self._handler.end_headers()
        self._handler.wfile.write(data)

    @contextlib.contextmanager
    def stream(self, content_type: str = "application/json") -> Iterator[Callable[[bytes], None]]:
        """A chunked answer: yields what writes a chunk. Where the other side is gone, it ends without a word."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", content_type)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()

        def write(data: bytes) -> None:
            if data:
                self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

        # Headers leave at once: who follows something quiet must learn that it is followed.
        self._handler.wfile.flush()
        yield write
        self._handler.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Drops the connection without an answer."""
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self._handler.connection.shutdown(socket.SHUT_RDWR)

    @property
    def gone(self) -> bool:
        """Whether the other side has hung up."""
        try:
            return self._handler.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


Answer: TypeAlias = Callable[[Call], None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Answer

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)  # type: ignore[attr-defined]

    def finish(self) -> None:
        self.server.connections.discard(self.connection)  # type: ignore[attr-defined]
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def address_string(self) -> str:
        return "a test"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: failures are told by the answers."""

    def _any(self) -> None:
        call = Call(self)
        try:
            type(self).answer(call)
        except Refused as refused:
            call.answer(refused.status, {"message": refused.message, **refused.more})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any


class _Threads(socketserver.ThreadingMixIn):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        raise


class _Tcp(_Threads, socketserver.TCPServer):
    request_queue_size = 64


class _Unix(_Threads, socketserver.UnixStreamServer):
    request_queue_size = 64


class FakeHttp:
    """Serves `answer` from `up` to `down`; the address stays the same in between. `with` puts it up."""

    def __init__(self, answer: Answer, unix: Path | None = None) -> None:
        self._handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        self._unix = unix
        self._server: Any = None
        if unix is None:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
            self.url = f"http://127.0.0.1:{self.port}"
        else:
            self.url = f"unix://{unix}"

    def up(self) -> None:
        """Listens. Nothing happens where it does."""
        if self._server is None:
            self._server = (
                _Tcp(("127.0.0.1", self.port), self._handler)
                if self._unix is None
                else _Unix(str(self._unix), self._handler)
            )
            self._server.connections = set()
            threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        """Hangs up on everybody, and listens no more."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)
        for connection in list(server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "FakeHttp":
        self.up()
        return self

    def __exit__(self, *details: object) -> None:
        self.down()

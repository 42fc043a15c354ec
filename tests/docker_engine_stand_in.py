"""A stand-in for a Docker engine: what of its HTTP API building and pushing use. It checks what it is asked, and keeps
it."""

import base64
import io
import json
import re
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Asked:
    """One call."""

    path: str
    query: dict[str, str]
    #: Of a build: the files of the folder that was sent.
    files: dict[str, str] = field(default_factory=dict)
    login: dict[str, Any] | None = None


class DockerEngine:
    """`with DockerEngine() as engine:`; DOCKER_HOST is `engine.url`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        #: What a build or a push answers in place of what it would.
        self.events: list[dict[str, Any]] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"engine": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._server.server_address[1]}"

    def calls(self, path: str) -> list[Asked]:
        """Those whose path, without the version, begins so."""
        return [each for each in self.asked if each.path.startswith(path)]

    def __enter__(self) -> "DockerEngine":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: DockerEngine

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        assert self.path == "/version", self.path
        self._answer({"ApiVersion": "1.47", "Version": "27.0", "MinAPIVersion": "1.24"})

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        path = re.sub(r"^/v\d+\.\d+", "", unquote(parts.path))
        asked = Asked(path, {key: each[0] for key, each in parse_qs(parts.query).items()})
        self.engine.asked.append(asked)
        body = self._body()
        if path == "/build":
            self._build(asked, body)
        elif re.fullmatch(r"/images/.+/push", path):
            self._push(asked)
        elif re.fullmatch(r"/images/.+/tag", path):
            self._answer(None, 201)
        else:
            self._answer({"message": f"page not found: {path}"}, 404)

    def _build(self, asked: Asked, body: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(body)) as folder:
            for member in folder.getmembers():
                opened = folder.extractfile(member) if member.isfile() else None
                if opened is not None:
                    asked.files[member.name] = opened.read().decode()
        if asked.query["dockerfile"] not in asked.files:
            self._answer({"message": "Cannot locate specified Dockerfile"}, 400)
            return
        made = [{"stream": "Step 1/1\n"}, {"aux": {"ID": "sha256:abc"}}]
        self._events(self.engine.events or made)

    def _push(self, asked: Asked) -> None:
        sent = self.headers.get("X-Registry-Auth")
        asked.login = json.loads(base64.urlsafe_b64decode(sent)) if sent else None
        self._events(self.engine.events or [{"status": "Pushed"}])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _events(self, events: list[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for each in events:
            line = json.dumps(each).encode() + b"\r\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, value: Any, code: int = 200) -> None:
        self._send(code, b"" if value is None else json.dumps(value).encode())

    def _send(self, code: int, data: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

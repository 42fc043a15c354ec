"""Whether a worker is well, by HTTP, for those who start it anew where it is not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from antiphon.exceptions import ConfigurationError
from antiphon.settings import get_current_settings

_PATH = "/health"


@contextmanager
def health_check(worker: Any) -> Iterator[int]:
    """Inside, GET /health says what `worker.get_status()` says: 200 while the server is heard, else 503. Yields the
    port. Raises ConfigurationError where the place cannot be listened at."""
    server = _server(worker)
    thread = threading.Thread(target=server.serve_forever, name="antiphon-health", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _server(worker: Any) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != _PATH:
                self.send_error(404, explain=f"There is only {_PATH} here.")
                return
            status = worker.get_status()
            body = json.dumps(status).encode()
            self.send_response(200 if status["online"] else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The worker's own log is for its runs."""

    place = get_current_settings().worker.webserver
    try:
        server = ThreadingHTTPServer((place.host, place.port), Handler)
    except OSError as error:
        raise ConfigurationError(
            f"The health check cannot listen on {place.host}:{place.port}: {error.strerror or error}. Choose another "
            "place by ANTIPHON_WORKER_WEBSERVER_HOST and ANTIPHON_WORKER_WEBSERVER_PORT."
        ) from error
    server.daemon_threads = True
    return server

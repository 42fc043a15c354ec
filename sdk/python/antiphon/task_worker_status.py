"""What a task worker does just now, by HTTP."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def create_status_server(task_worker: Any, port: int = 0) -> ThreadingHTTPServer:
    """Return a server on 127.0.0.1 whose GET /status says what the worker does; `serve_forever` starts it.

    Port 0 takes a free one, which `server_port` says. Raises OSError, with what to do, where the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/status":
                self.send_error(404, explain="There is only /status here.")
                return
            body = json.dumps(_status(task_worker)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The worker's own log is for its runs."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise OSError(
            error.errno,
            f"The status server cannot listen on port {port} of 127.0.0.1: {error.strerror}. Choose another "
            "status_server_port, or 0 for a free one",
        ) from error
    server.daemon_threads = True
    return server


def _status(worker: Any) -> dict[str, Any]:
    started_at = worker.started_at
    return {
        "client_id": worker.client_id,
        "started_at": started_at.isoformat() if started_at is not None else None,
        "stopping": worker.stopping,
        "limit": worker.limit,
        "current": worker.current_tasks,
        "available": worker.available_tasks,
        "tasks": sorted(worker.task_keys),
        "finished": dict(worker.finished_task_runs),
        "in_flight": {
            key: {str(run): start.isoformat() for run, start in dict(runs).items()}
            for key, runs in worker.in_flight_task_runs.items()
        },
    }

"""A small web application that puts work off: the standard library's server, so that it runs as it stands.

curl --data-binary @photo.jpg 'http://127.0.0.1:8000/thumbnails?name=photo'    202 {"id": ...}: it is queued, durably
curl 'http://127.0.0.1:8000/thumbnails/<id>'                                   {"state": "Completed", "result": ...}
curl 'http://127.0.0.1:8000/thumbnails/<id>?wait=10'                           the same, once it has ended
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from thumbnails import make_thumbnail

from antiphon.futures import AntiphonDistributedFuture


class Thumbnails(BaseHTTPRequestHandler):
    """POST /thumbnails queues one; GET /thumbnails/<id> says what became of it."""

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/thumbnails":
            self._answer(404, {"error": "POST an image to /thumbnails?name=..."})
            return
        name = parse_qs(url.query).get("name", ["unnamed"])[0]
        image = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        future = make_thumbnail.delay(name, image)
        self._answer(202, {"id": future.task_run_id})

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        try:
            run_id = str(UUID(url.path.removeprefix("/thumbnails/")))
        except ValueError:
            self._answer(404, {"error": "GET /thumbnails/<id>, with the id that the POST gave"})
            return
        future = AntiphonDistributedFuture[Any](run_id)
        wait = parse_qs(url.query).get("wait")
        if wait:
            future.wait(float(wait[0]))
        state = future.state
        answer: dict[str, Any] = {"state": state.name}
        if state.is_completed():
            answer["result"] = state.result()
        elif state.is_final():
            answer["error"] = str(state.failure())
        self._answer(200, answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with ThreadingHTTPServer(("127.0.0.1", port), Thumbnails) as server:
        print(f"http://127.0.0.1:{server.server_port}/thumbnails", flush=True)
        server.serve_forever()

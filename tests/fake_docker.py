"""A Docker Engine of a test's own: it speaks the API, and its containers do what the test says, or run their command on
this machine."""

import base64
import contextlib
import itertools
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker_engine_api import checked
from fake_http import Call, FakeHttp, Refused

PATIENCE = 60.0


class Container:
    """One container."""

    def __init__(self, engine: "FakeDocker", id: str, name: str, config: dict[str, Any]) -> None:
        self.id, self.name, self.config = id, name, config
        self.status = "created"
        self.exit_code = 0
        self.out_of_memory = False
        self.start_error = ""
        self.signals: list[str] = []
        self.networks = list((config.get("NetworkingConfig") or {}).get("EndpointsConfig") or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._engine = engine
        #: (1 stdout or 2 stderr, line, nanoseconds)
        self.lines: list[tuple[int, bytes, int]] = []

    @property
    def env(self) -> dict[str, str]:
        """Its environment."""
        return dict(each.split("=", 1) for each in self.config.get("Env") or [])

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self.config.get("Labels") or {}

    def print(self, line: str, stream: int = 1) -> None:
        """Prints a line."""
        with self._engine.changed:
            self.lines.append((stream, line.encode() + b"\n", time.time_ns()))
            self._engine.changed.notify_all()

    def exit(self, code: int, out_of_memory: bool = False) -> None:
        """Ends."""
        with self._engine.changed:
            self.status, self.exit_code, self.out_of_memory = "exited", code, out_of_memory
            self._engine.changed.notify_all()

    def follow_process(self, process: "subprocess.Popen[bytes]") -> None:
        """Prints and ends as a process on this machine does."""
        self.process = process
        assert process.stdout is not None
        for line in process.stdout:
            self.print(line.decode(errors="replace").rstrip("\n"))
        code = process.wait()
        self.exit(code if code >= 0 else 128 - code)


class FakeDocker:
    """`with FakeDocker(folder) as engine:`; `engine.url` is its address."""

    def __init__(self, folder: Path) -> None:
        self.http = FakeHttp(self._answer, folder / "docker.sock")
        self.url = self.http.url
        self._folder = folder
        self.changed = threading.Condition()
        self.containers: list[Container] = []
        #: Names of images that are here.
        self.images: set[str] = set()
        #: Name -> the error of pulling it. Others can be pulled.
        self.pull_errors: dict[str, str] = {}
        self.pulled: list[str] = []
        #: What registries were logged in with, by pulls.
        self.logins: list[dict[str, Any]] = []
        #: Names of networks that are here.
        self.networks: set[str] = set()
        #: Operations that are refused: name -> status and message.
        self.refusals: dict[str, tuple[int, str]] = {}
        #: Containers with the next ids do not start.
        self.start_error = ""
        self.version = "27.0.0"
        self.requests: list[str] = []
        #: Requests that did not fit the API.
        self.wrong: list[str] = []
        #: Of a stop: whether SIGTERM is enough.
        self.stops_on_sigterm = True
        #: Whether commands are started on this machine.
        self.run_commands = False
        self._held: dict[str, tuple[threading.Event, threading.Event]] = {}
        self._ids = itertools.count(1)

    def __enter__(self) -> "FakeDocker":
        self.http.up()
        return self

    def __exit__(self, *details: object) -> None:
        for container in self.containers:
            if container.process is not None:
                container.process.kill()
        self.http.down()
        with self.changed:
            self.changed.notify_all()

    # For tests

    def wait_for(self, name: str, count: int = 1) -> None:
        """Returns when an operation was asked for so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.requests.count(name) >= count, PATIENCE), f"no {name} came"

    def running(self, index: int = 0) -> Container:
        """The container of that number, once it runs."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: len(self.containers) > index and self.containers[index].status == "running", PATIENCE
            ), "no container runs"
            return self.containers[index]

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[threading.Event]:
        """Requests of that name wait until the end of the block; yields what says that one came."""
        came, go_on = threading.Event(), threading.Event()
        self._held[name] = (came, go_on)
        try:
            yield came
        finally:
            del self._held[name]
            go_on.set()

    # The API

    def _answer(self, call: Call) -> None:
        try:
            operation, id = checked(call)
        except Refused as refused:
            self.wrong.append(f"{call.method} {call.path}: {refused.message}")
            raise
        with self.changed:
            self.requests.append(operation.name)
            self.changed.notify_all()
        if operation.name in self._held:
            came, go_on = self._held[operation.name]
            came.set()
            go_on.wait(PATIENCE)
        if operation.name in self.refusals:
            raise Refused(*self.refusals[operation.name])
        getattr(self, f"_{operation.name}")(call, id)

    def _version(self, call: Call, id: str) -> None:
        call.answer(200, {"Version": self.version, "ApiVersion": "1.44", "MinAPIVersion": "1.24", "Os": "linux"})

    def _ping(self, call: Call, id: str) -> None:
        call.answer(200, b"OK", "text/plain")

    def _pull(self, call: Call, id: str) -> None:
        name = f"{call.query['fromImage']}:{call.query['tag']}"
        if "X-Registry-Auth" in call.headers:
            self.logins.append(json.loads(base64.urlsafe_b64decode(call.headers["X-Registry-Auth"])))
        error = self.pull_errors.get(name)
        if error is not None and not error.startswith("late: "):
            raise Refused(404, error)
        with call.stream() as write:
            write(json.dumps({"status": f"Pulling from {name}"}).encode() + b"\r\n")
            if error is not None:
                late = error.removeprefix("late: ")
                write(json.dumps({"errorDetail": {"message": late}, "error": late}).encode() + b"\r\n")
        if error is None:
            self.images.add(name)
            self.pulled.append(name)

    def _image(self, call: Call, id: str) -> None:
        name = id if ":" in id.rsplit("/", 1)[-1] or "@" in id else f"{id}:latest"
        if name not in self.images:
            raise Refused(404, f"No such image: {name}")
        call.answer(200, {"Id": "sha256:1", "RepoTags": [name], "Config": {}})

    def _create(self, call: Call, id: str) -> None:
        body, name = call.json(), call.query.get("name", "")
        image = body["Image"]
        if (image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest") not in self.images:
            raise Refused(404, f"No such image: {image}")
        with self.changed:
            for each in self.containers:
                if name and each.name == name:
                    raise Refused(
                        409, f'Conflict. The container name "/{name}" is already in use by container "{each.id}".'
                    )
            made = Container(self, f"{next(self._ids):064x}", name or "clever_name", body)
            made.start_error = self.start_error
            self.containers.append(made)
        call.answer(201, {"Id": made.id, "Warnings": []})

    def _list(self, call: Call, id: str) -> None:
        filters = json.loads(call.query.get("filters", "{}"))
        unknown = set(filters) - {"label", "id", "name", "status"}
        if unknown:
            raise Refused(400, f"invalid filter {sorted(unknown)}")
        wanted = [tuple(each.split("=", 1)) for each in filters.get("label", [])]
        everything = call.query.get("all") in ("1", "true", "True")
        call.answer(
            200,
            [
                {"Id": each.id, "Names": [f"/{each.name}"], "Labels": each.labels, "State": each.status}
                for each in self.containers
                if all(each.labels.get(key) == value for key, value in wanted)
                and (everything or each.status == "running")
            ],
        )

    def _start(self, call: Call, id: str) -> None:
        container = self._of(id)
        if container.start_error:
            raise Refused(400, container.start_error)
        if container.status == "running":
            call.answer(304)
            return
        for network in container.networks:
            if network not in self.networks:
                raise Refused(404, f"network {network} not found")
        with self.changed:
            container.status = "running"
            self.changed.notify_all()
        if self.run_commands:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            environment = {"PATH": path, "HOME": str(self._folder), **container.env}
            process = subprocess.Popen(
                container.config["Cmd"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            threading.Thread(target=container.follow_process, args=(process,), daemon=True).start()
        call.answer(204)

    def _inspect(self, call: Call, id: str) -> None:
        container = self._of(id)
        call.answer(
            200,
            {
                "Id": container.id,
                "Name": f"/{container.name}",
                "Config": container.config,
                "State": {
                    "Status": container.status,
                    "Running": container.status == "running",
                    "OOMKilled": container.out_of_memory,
                    "ExitCode": container.exit_code,
                    "Error": "",
                },
            },
        )

    def _logs(self, call: Call, id: str) -> None:
        container = self._of(id)
        with call.stream("application/vnd.docker.multiplexed-stream") as write:
            for stream, line, nanoseconds in self._lines(call, container):
                if call.query.get("timestamps") == "1":
                    whole, rest = divmod(nanoseconds, 10**9)
                    stamp = f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z "
                    line = stamp.encode() + line
                write(struct.pack(">BxxxL", stream, len(line)) + line)

    def _lines(self, call: Call, container: Container) -> Iterator[tuple[int, bytes, int]]:
        wanted = {stream for stream, name in ((1, "stdout"), (2, "stderr")) if call.query.get(name) == "1"}
        since = float(call.query.get("since", "0")) * 1e9
        tail = call.query.get("tail", "all")
        at = 0 if tail == "all" else max(0, len(container.lines) - int(tail))
        while True:
            with self.changed:
                if call.query.get("follow") == "1":
                    while len(container.lines) <= at and container.status == "running":
                        self.changed.wait(0.2)
                        if call.gone:
                            return
                new, at = container.lines[at:], len(container.lines)
            for line in new:
                if line[0] in wanted and line[2] >= since:
                    yield line
            if not new:
                return

    def _wait(self, call: Call, id: str) -> None:
        container = self._of(id)
        with call.stream() as write, self.changed:
            while container.status == "running" and container in self.containers:
                self.changed.wait(0.2)
                if call.gone:
                    call.cut()
                    return
            write(json.dumps({"StatusCode": container.exit_code}).encode())

    def _stop(self, call: Call, id: str) -> None:
        container = self._of(id)
        if container.status != "running":
            call.answer(304)
            return
        self._signal(container, "SIGTERM")
        if not self.stops_on_sigterm:
            self._signal(container, "SIGKILL")
        with self.changed:
            assert self.changed.wait_for(lambda: container.status != "running", PATIENCE)
        call.answer(204)

    def _kill(self, call: Call, id: str) -> None:
        container = self._of(id)
        if container.status != "running":
            raise Refused(409, f"cannot kill container: {id}: container {id} is not running")
        self._signal(container, call.query.get("signal", "SIGKILL"))
        call.answer(204)

    def _signal(self, container: Container, name: str) -> None:
        container.signals.append(name)
        if container.process is not None:
            container.process.send_signal(signal.Signals[name])
        elif name == "SIGKILL" or self.stops_on_sigterm:
            container.exit(137 if name == "SIGKILL" else 143)

    def _remove(self, call: Call, id: str) -> None:
        container = self._of(id)
        if container.status == "running" and call.query.get("force") not in ("1", "true", "True"):
            raise Refused(409, f"cannot remove container {id}: container is running")
        with self.changed:
            self.containers.remove(container)
            self.changed.notify_all()
        call.answer(204)

    def _connect(self, call: Call, id: str) -> None:
        if id not in self.networks:
            raise Refused(404, f"network {id} not found")
        self._of(call.json()["Container"]).networks.append(id)
        call.answer(200)

    def _of(self, id: str) -> Container:
        for container in self.containers:
            if id in (container.id, container.name):
                return container
        raise Refused(404, f"No such container: {id}")


@contextlib.contextmanager
def away(engine: FakeDocker) -> Iterator[None]:
    """The Engine is not there meanwhile; its containers run on."""
    engine.http.down()
    try:
        yield
    finally:
        engine.http.up()

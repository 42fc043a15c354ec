"""A pod of a cluster of a test, for the test to play."""

import contextlib
import subprocess
import time
from typing import Any

import kubernetes_types
from fake_http import Refused
from kubernetes_store import now


class Pod:
    """One pod, for a test to play."""

    def __init__(self, cluster: Any, namespace: str, name: str) -> None:
        self.namespace, self.name = namespace, name
        self._cluster = cluster
        #: (line, nanoseconds)
        self.lines: list[tuple[bytes, int]] = []

    @property
    def body(self) -> dict[str, Any]:
        """It as it is."""
        return self._cluster.store.get("pods", self.namespace, self.name)

    @property
    def container(self) -> dict[str, Any]:
        """What its first container is made of."""
        return dict(self.body["spec"]["containers"][0])

    def status(self, **changes: Any) -> None:
        """Changes its status."""
        body = self._cluster.store.update("pods", self.namespace, self.name, {"status": changes})
        kubernetes_types.check(body, "V1Pod")
        self._cluster.job_controller(self.namespace, body["metadata"]["labels"]["job-name"])

    def _container(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        container = self.container
        status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": "running" in state}
        return [{**status, "restartCount": 0, "state": state}]

    def unschedulable(self, message: str) -> None:
        """No node takes it."""
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        self.status(phase="Pending", conditions=[condition])

    def scheduled(self) -> None:
        """A node has it."""
        self.status(phase="Pending", conditions=[{"type": "PodScheduled", "status": "True"}])

    def waiting(self, reason: str, message: str = "") -> None:
        """Its container does not start."""
        self.scheduled()
        self.status(containerStatuses=self._container({"waiting": {"reason": reason, "message": message}}))

    def running(self) -> None:
        """Its container runs."""
        self.scheduled()
        self.status(phase="Running", containerStatuses=self._container({"running": {"startedAt": now()}}))

    def print(self, line: str) -> None:
        """Prints a line."""
        with self._cluster.store.changed:
            self.lines.append((line.encode() + b"\n", time.time_ns()))
            self._cluster.store.changed.notify_all()

    def finish(self, code: int, reason: str = "", **status: Any) -> None:
        """Its container ends."""
        ended = {"exitCode": code, "reason": reason or ("Completed" if code == 0 else "Error"), "finishedAt": now()}
        self.status(
            phase="Succeeded" if code == 0 else "Failed",
            containerStatuses=self._container({"terminated": ended}),
            **status,
        )

    def follow_process(self, process: "subprocess.Popen[bytes]") -> None:
        """Prints and ends as a process on this machine does."""
        assert process.stdout is not None
        for line in process.stdout:
            self.print(line.decode(errors="replace").rstrip("\n"))
        code = process.wait()
        with contextlib.suppress(Refused):  # it was deleted meanwhile
            self.finish(code if code >= 0 else 128 - code)

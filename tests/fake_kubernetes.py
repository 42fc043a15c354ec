"""A Kubernetes API server of a test's own, with the controllers that it takes: it checks each request against the API's
types, and its pods do what the test says, or run their command on this machine."""

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import kubernetes_types
from fake_http import Call, FakeHttp, Refused
from kubernetes_store import Store, now

PATIENCE = 60.0

#: Kind in the path -> its group, its API class in the client, its name there, its type.
KINDS = {
    "jobs": ("/apis/batch/v1", "BatchV1Api", "job", "V1Job"),
    "pods": ("/api/v1", "CoreV1Api", "pod", "V1Pod"),
    "secrets": ("/api/v1", "CoreV1Api", "secret", "V1Secret"),
    "events": ("/api/v1", "CoreV1Api", "event", "CoreV1Event"),
}
PATH = re.compile(
    r"(?P<group>/apis/batch/v1|/api/v1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)(/(?P<name>[^/]+)(/(?P<sub>log))?)?"
)
VERBS = {("POST", False): "create", ("GET", False): "list", ("GET", True): "read"}
VERBS |= {("DELETE", True): "delete", ("PATCH", True): "patch", ("PUT", True): "replace"}


class Meant(Refused):
    """A refusal that is no fault of who asked."""


class Pod:
    """One pod, for a test to play."""

    def __init__(self, cluster: "FakeKubernetes", namespace: str, name: str) -> None:
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


class FakeKubernetes:
    """`with FakeKubernetes(folder) as cluster:`; `cluster.kubeconfig` says where it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.http = FakeHttp(self._answer)
        self.store = Store()
        #: Who has it may do everything.
        self.token = "first"
        self.pods: list[Pod] = []
        #: Namespaces that are there.
        self.namespaces = {"default", "flows"}
        #: Why jobs get no pods.
        self.no_pods = ""
        #: Why no node takes new pods.
        self.no_nodes = ""
        #: Whether pods that are deleted end at once.
        self.deletes_pods = True
        #: (verb, kind) -> status, reason and message of what is refused.
        self.refusals: dict[tuple[str, str], tuple[int, str, str]] = {}
        #: (verb, kind): the answer is lost, though it is done; once each.
        self.lost_answers: list[tuple[str, str]] = []
        self.requests: list[tuple[str, str]] = []
        #: Requests that did not fit the API.
        self.wrong: list[str] = []
        #: Watches end when this changes.
        self.watch_generation = 0
        #: Whether commands are started on this machine.
        self.run_commands = False
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """How kubectl would find it."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "fake", "cluster": {"server": self.http.url}}],
            "users": [{"name": "me", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "fake", "user": "me"}}],
        }

    def write_kubeconfig(self) -> Path:
        """It in a file."""
        path = self._folder / "kubeconfig"
        path.write_text(yaml.safe_dump(self.kubeconfig))
        return path

    def __enter__(self) -> "FakeKubernetes":
        self.http.up()
        return self

    def __exit__(self, *details: object) -> None:
        for process in self._processes.values():
            process.kill()
        self.http.down()
        with self.store.changed:
            self.store.changed.notify_all()

    # For tests

    def wait_for(self, verb: str, kind: str, count: int = 1) -> None:
        """Returns when something was asked for so often."""
        with self.store.changed:
            assert self.store.changed.wait_for(lambda: self.requests.count((verb, kind)) >= count, PATIENCE), (
                f"no {verb} of {kind} came"
            )

    def pod(self, index: int = 0) -> Pod:
        """The pod of that number, once it is there."""
        with self.store.changed:
            assert self.store.changed.wait_for(lambda: len(self.pods) > index, PATIENCE), "there is no pod"
            return self.pods[index]

    def jobs(self, namespace: str = "default") -> list[dict[str, Any]]:
        """The jobs that are there."""
        return self.store.all("jobs", namespace)

    def end_watches(self) -> None:
        """Ends all watches, as the server does now and then."""
        with self.store.changed:
            self.watch_generation += 1
            self.store.changed.notify_all()

    def event(self, about: dict[str, Any], reason: str, message: str, kind: str = "Job") -> None:
        """Something is told of an object."""
        metadata = about["metadata"]
        reference = {"kind": kind, "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
        body = {
            "metadata": {"name": f"{metadata['name']}.{len(self.store.history)}", "namespace": metadata["namespace"]},
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "type": "Warning",
            "lastTimestamp": now(),
        }
        kubernetes_types.check(body, "CoreV1Event")
        self.store.create("events", metadata["namespace"], body)

    # Controllers

    def _new_job(self, namespace: str, job: dict[str, Any]) -> None:
        if self.no_pods:
            self.event(job, "FailedCreate", self.no_pods)
            return
        metadata, template = job["metadata"], job["spec"]["template"]
        labels = {**(template.get("metadata") or {}).get("labels", {}), "job-name": metadata["name"]}
        labels |= {"batch.kubernetes.io/job-name": metadata["name"], "controller-uid": metadata["uid"]}
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
        body = {
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "labels": labels,
                "annotations": (template.get("metadata") or {}).get("annotations", {}),
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
        made = self.store.create("pods", namespace, body)
        kubernetes_types.check(made, "V1Pod")
        pod = Pod(self, namespace, made["metadata"]["name"])
        if self.no_nodes:
            pod.unschedulable(self.no_nodes)
        with self.store.changed:
            self.pods.append(pod)
            self.store.changed.notify_all()
        if self.run_commands:
            self._start(pod)

    def _start(self, pod: Pod) -> None:
        container = pod.container
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(self._folder)}
        for each in container.get("env") or []:
            environment[each["name"]] = each.get("value") or self._secret_value(pod.namespace, each)
        process = subprocess.Popen(
            [*container.get("command", []), *container["args"]],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._processes[pod.name] = process
        pod.running()
        threading.Thread(target=pod.follow_process, args=(process,), daemon=True).start()

    def _secret_value(self, namespace: str, variable: dict[str, Any]) -> str:
        reference = variable["valueFrom"]["secretKeyRef"]
        data = self.store.get("secrets", namespace, reference["name"])["data"]
        return base64.b64decode(data[reference["key"]]).decode()

    def job_controller(self, namespace: str, name: str) -> None:
        """Ends a job whose pods have ended."""
        with self.store.changed:
            job = self.store.objects.get(("jobs", namespace, name))
            if job is None or (job.get("status") or {}).get("conditions"):
                return
            phases = [
                self.store.objects["pods", namespace, pod]["status"]["phase"] for pod in self._pods_of(namespace, name)
            ]
        failed = phases.count("Failed")
        if "Succeeded" in phases:
            self.end_job(job, "Complete")
        elif failed > job["spec"].get("backoffLimit", 6):
            self.end_job(job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif failed and failed == len(phases):
            self._new_job(namespace, job)

    def _pods_of(self, namespace: str, job_name: str) -> list[str]:
        with self.store.changed:
            return [
                name
                for (kind, its, name), each in self.store.objects.items()
                if (kind, its) == ("pods", namespace) and each["metadata"]["labels"]["job-name"] == job_name
            ]

    def end_job(self, job: dict[str, Any], kind: str, reason: str = "", message: str = "") -> None:
        """Gives a job its last condition."""
        condition = {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()}
        metadata = job["metadata"]
        self.store.update("jobs", metadata["namespace"], metadata["name"], {"status": {"conditions": [condition]}})

    def delete_pod(self, namespace: str, name: str) -> None:
        """Ends a pod: SIGTERM, and it is gone."""
        process = self._processes.get(name)
        if process is not None:
            process.terminate()
            process.wait(PATIENCE)
        with contextlib.suppress(Refused):
            self.store.delete("pods", namespace, name)

    # The API

    def _answer(self, call: Call) -> None:
        try:
            self._serve(call)
        except Refused as refused:
            if refused.status in (400, 405, 415, 422) and not isinstance(refused, Meant):
                self.wrong.append(f"{call.method} {call.path}: {refused.message}")
            self._refuse(call, refused)

    def _refuse(self, call: Call, refused: Refused) -> None:
        reason = refused.more.get("reason", "")
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": refused.status}
        call.answer(refused.status, {**status, "message": refused.message, "reason": reason})

    def _serve(self, call: Call) -> None:
        if call.headers["Authorization"] != f"Bearer {self.token}":
            raise Meant(401, "Unauthorized", reason="Unauthorized")
        match = PATH.fullmatch(call.path)
        if match is None or match["kind"] not in KINDS or KINDS[match["kind"]][0] != match["group"]:
            raise Refused(404, "the server could not find the requested resource", reason="NotFound")
        kind, namespace, name = match["kind"], match["namespace"], match["name"]
        verb = VERBS.get((call.method, name is not None))
        if verb is None:
            raise Refused(405, f"{call.method} is not allowed on {call.path}", reason="MethodNotAllowed")
        shown = "log" if match["sub"] else "watch" if call.query.get("watch") in ("true", "True") else verb
        self._check_query(call, verb, kind, match["sub"] is not None)
        with self.store.changed:
            self.requests.append((shown, kind))
            self.store.changed.notify_all()
        if (shown, kind) in self.refusals:
            code, reason, message = self.refusals[shown, kind]
            raise Meant(code, message, reason=reason)
        getattr(self, f"_{shown}")(call, kind, namespace, name or "")

    @staticmethod
    def _check_query(call: Call, verb: str, kind: str, log: bool) -> None:
        _, api, singular, _ = KINDS[kind]
        method = f"{verb}_namespaced_{singular}{'_log' if log else ''}"
        unknown = set(call.query) - kubernetes_types.query_names(api, method)
        if unknown:
            raise Refused(400, f"unknown query parameters {sorted(unknown)}", reason="BadRequest")
        for name in ("timeoutSeconds", "sinceSeconds", "tailLines", "limit", "gracePeriodSeconds"):
            if name in call.query and not call.query[name].isdigit():
                raise Refused(400, f"{name} must be a number", reason="BadRequest")

    def _reply(self, call: Call, verb: str, kind: str, status: int, body: Any) -> None:
        if (verb, kind) in self.lost_answers:
            self.lost_answers.remove((verb, kind))
            call.cut()
            return
        call.answer(status, body)

    def _create(self, call: Call, kind: str, namespace: str, name: str) -> None:
        if namespace not in self.namespaces:
            raise Refused(404, f'namespaces "{namespace}" not found', reason="NotFound")
        body, model = call.json(), KINDS[kind][3]
        kubernetes_types.check(body, model)
        expected = ("batch/v1", "Job") if kind == "jobs" else ("v1", model.removeprefix("V1"))
        if (body.get("apiVersion"), body.get("kind")) != expected:
            raise Refused(400, f"apiVersion and kind must be {expected}", reason="BadRequest")
        metadata = body.get("metadata") or {}
        if metadata.get("namespace", namespace) != namespace:
            raise Refused(400, "the namespace of the object does not match that of the request", reason="BadRequest")
        named = metadata.get("name") or str(metadata.get("generateName", ""))[:58] + "abcde"
        kubernetes_types.check_metadata({**metadata, "name": named}, 63 if kind == "jobs" else 253)
        if kind == "jobs":
            _check_job(body)
        if kind == "secrets":
            texts = body.pop("stringData", None) or {}
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
            body["data"] = {**(body.get("data") or {}), **encoded}
        made = self.store.create(kind, namespace, body)
        if kind == "jobs":
            self._new_job(namespace, made)
        self._reply(call, "create", kind, 201, made)

    def _read(self, call: Call, kind: str, namespace: str, name: str) -> None:
        call.answer(200, self.store.get(kind, namespace, name))

    def _list(self, call: Call, kind: str, namespace: str, name: str) -> None:
        fits = _selector(call)
        with self.store.changed:
            items = [each for each in self.store.all(kind, namespace) if fits(each)]
            version = str(self.store.version)
        call.answer(200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items})

    def _watch(self, call: Call, kind: str, namespace: str, name: str) -> None:
        fits = _selector(call)
        version = int(call.query.get("resourceVersion") or 0)
        if version < self.store.compacted:
            raise Refused(410, "too old resource version", reason="Expired")
        generation = self.watch_generation
        with call.stream() as write:
            for what, body in self._events(call, kind, namespace, version, generation):
                if what == "ERROR" or what == "BOOKMARK" or fits(body):
                    write(json.dumps({"type": what, "object": body}).encode() + b"\n")

    def _events(
        self, call: Call, kind: str, namespace: str, version: int, generation: int
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            with self.store.changed:
                now_at, new = self.store.since(version, kind, namespace)
                if now_at == version and version < self.store.compacted:
                    yield "ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
                    return
                if now_at == version:
                    self.store.changed.wait(0.2)
                    if call.gone or self.watch_generation != generation:
                        return
                    continue
                version = now_at
            yield from new
            if call.query.get("allowWatchBookmarks") in ("true", "True"):
                yield "BOOKMARK", {"kind": kind, "metadata": {"resourceVersion": str(version)}}

    def _delete(self, call: Call, kind: str, namespace: str, name: str) -> None:
        if call.body:
            kubernetes_types.check(call.json(), "V1DeleteOptions")
        if call.query.get("propagationPolicy", "Background") not in ("Orphan", "Background", "Foreground"):
            raise Refused(400, "propagationPolicy is not known", reason="BadRequest")
        found = self.store.get(kind, namespace, name)
        if kind == "pods":
            self._let_go(namespace, name, int(call.query.get("gracePeriodSeconds", "30")))
        else:
            self.store.delete(kind, namespace, name)
        if kind == "jobs" and call.query.get("propagationPolicy") != "Orphan":
            for pod in self._pods_of(namespace, name):
                self._let_go(namespace, pod, 30)
        self._reply(call, "delete", kind, 200, found)

    def _let_go(self, namespace: str, name: str, grace: int) -> None:
        with contextlib.suppress(Refused):
            found = self.store.get("pods", namespace, name)
            terminating = {"deletionTimestamp": now(), "deletionGracePeriodSeconds": grace}
            self.store.update("pods", namespace, name, {"metadata": terminating})
            already = found["metadata"].get("deletionTimestamp")
            if self.deletes_pods or (grace == 0 and already):
                self.delete_pod(namespace, name)

    def _patch(self, call: Call, kind: str, namespace: str, name: str) -> None:
        if call.headers["Content-Type"] not in (
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ):
            raise Refused(415, "only merge patches are known here", reason="UnsupportedMediaType")
        changes = call.json()
        kubernetes_types.check({**self.store.get(kind, namespace, name), **changes}, KINDS[kind][3])
        self._reply(call, "patch", kind, 200, self.store.update(kind, namespace, name, changes))

    def _log(self, call: Call, kind: str, namespace: str, name: str) -> None:
        body = self.store.get("pods", namespace, name)
        containers = [each["name"] for each in body["spec"]["containers"]]
        if call.query.get("container", containers[0]) not in containers:
            raise Refused(400, f"container {call.query['container']} is not valid for pod {name}", reason="BadRequest")
        pod = next(each for each in self.pods if each.name == name)
        since = int(call.query.get("sinceSeconds", "0"))
        after = time.time_ns() - since * 10**9 if since else 0
        with call.stream("text/plain") as write:
            for line, nanoseconds in self._lines(call, pod):
                if nanoseconds < after:
                    continue
                if call.query.get("timestamps") in ("true", "True"):
                    whole, rest = divmod(nanoseconds, 10**9)
                    stamp = f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}".rstrip("0") + "Z "
                    line = stamp.encode() + line
                write(line)

    def _lines(self, call: Call, pod: Pod) -> Iterator[tuple[bytes, int]]:
        at = max(0, len(pod.lines) - int(call.query["tailLines"])) if "tailLines" in call.query else 0
        generation = self.watch_generation
        while True:
            with self.store.changed:
                if call.query.get("follow") in ("true", "True"):
                    while len(pod.lines) <= at and self._is_running(pod) and generation == self.watch_generation:
                        self.store.changed.wait(0.2)
                        if call.gone:
                            return
                new, at = pod.lines[at:], len(pod.lines)
            yield from new
            if not new:
                return

    def _is_running(self, pod: Pod) -> bool:
        found = self.store.objects.get(("pods", pod.namespace, pod.name))
        return found is not None and found["status"]["phase"] == "Running"


def _check_job(body: dict[str, Any]) -> None:
    """What the API server checks beyond types."""
    template = body["spec"]["template"]
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") not in ("Never", "OnFailure"):
        raise Refused(422, "spec.template.spec.restartPolicy: Required value", reason="Invalid")
    if not spec.get("containers"):
        raise Refused(422, "spec.template.spec.containers: Required value", reason="Invalid")
    for container in spec["containers"]:
        if not container.get("image"):
            raise Refused(422, "spec.template.spec.containers[0].image: Required value", reason="Invalid")
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", container["name"]):
            raise Refused(422, "spec.template.spec.containers[0].name: Invalid value", reason="Invalid")
        for variable in container.get("env") or []:
            if not re.fullmatch(r"[ -<>-~]+", variable["name"]):
                raise Refused(422, "env: Invalid value", reason="Invalid")
    kubernetes_types.check_metadata({"name": "x", **(template.get("metadata") or {})}, 63)


def _selector(call: Call) -> Callable[[dict[str, Any]], bool]:
    labels = [each.split("=", 1) for each in call.query.get("labelSelector", "").split(",") if each]
    fields = [each.split("=", 1) for each in call.query.get("fieldSelector", "").split(",") if each]
    for key, _ in fields:
        if key not in ("metadata.name", "involvedObject.name", "involvedObject.uid", "involvedObject.kind"):
            raise Refused(400, f'field label not supported: "{key}"', reason="BadRequest")

    def field(body: dict[str, Any], key: str) -> Any:
        for part in key.split("."):
            body = body.get(part) or {}
        return body

    def fits(body: dict[str, Any]) -> bool:
        own = body["metadata"].get("labels") or {}
        return all(own.get(key) == value for key, value in labels) and all(field(body, k) == v for k, v in fields)

    return fits

"""The API server of a cluster of a test: jobs, pods and their logs, secrets and events. It checks each request against
the types of the API, and watches as the real one does."""

import abc
import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import kubernetes_types
from fake_http import Call, FakeHttp, Refused
from kubernetes_pod import Pod
from kubernetes_store import Store

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


class KubernetesApi(abc.ABC):
    """Answers requests; what follows from them is seen to by the controllers of a subclass."""

    def __init__(self) -> None:
        self.http = FakeHttp(self._answer)
        self.store = Store()
        #: Who has it may do everything.
        self.token = "first"
        #: Namespaces that are there.
        self.namespaces = {"default", "flows"}
        self.pods: list[Pod] = []
        #: (verb, kind) -> status, reason and message of what is refused.
        self.refusals: dict[tuple[str, str], tuple[int, str, str]] = {}
        #: (verb, kind): the answer is lost, though it is done; once each.
        self.lost_answers: list[tuple[str, str]] = []
        self.requests: list[tuple[str, str]] = []
        #: Requests that did not fit the API.
        self.wrong: list[str] = []
        #: Watches end when this changes.
        self.watch_generation = 0

    @abc.abstractmethod
    def new_job(self, namespace: str, job: dict[str, Any]) -> None:
        """A job was made."""

    @abc.abstractmethod
    def pods_of(self, namespace: str, job_name: str) -> list[str]:
        """The names of a job's pods."""

    @abc.abstractmethod
    def let_go(self, namespace: str, name: str, grace: int) -> None:
        """A pod was deleted, and has so many seconds."""

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
            self.new_job(namespace, made)
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
            self.let_go(namespace, name, int(call.query.get("gracePeriodSeconds", "30")))
        else:
            self.store.delete(kind, namespace, name)
        if kind == "jobs" and call.query.get("propagationPolicy") != "Orphan":
            for pod in self.pods_of(namespace, name):
                self.let_go(namespace, pod, 30)
        self._reply(call, "delete", kind, 200, found)

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

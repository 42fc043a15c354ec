"""A Kubernetes cluster of a test's own: its API server checks each request against the API's types, and its pods do
what the test says, or run their command on this machine."""

import base64
import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

import kubernetes_types
from fake_http import Refused
from kubernetes_api import KubernetesApi
from kubernetes_pod import Pod
from kubernetes_store import now

PATIENCE = 60.0


class FakeKubernetes(KubernetesApi):
    """`with FakeKubernetes(folder) as cluster:`; `cluster.kubeconfig` says where it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__()
        #: Why jobs get no pods.
        self.no_pods = ""
        #: Why no node takes new pods.
        self.no_nodes = ""
        #: Whether pods that are deleted end at once.
        self.deletes_pods = True
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

    def new_job(self, namespace: str, job: dict[str, Any]) -> None:
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
                self.store.objects["pods", namespace, pod]["status"]["phase"] for pod in self.pods_of(namespace, name)
            ]
        failed = phases.count("Failed")
        if "Succeeded" in phases:
            self.end_job(job, "Complete")
        elif failed > job["spec"].get("backoffLimit", 6):
            self.end_job(job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif failed and failed == len(phases):
            self.new_job(namespace, job)

    def pods_of(self, namespace: str, job_name: str) -> list[str]:
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

    def let_go(self, namespace: str, name: str, grace: int) -> None:
        with contextlib.suppress(Refused):
            found = self.store.get("pods", namespace, name)
            terminating = {"deletionTimestamp": now(), "deletionGracePeriodSeconds": grace}
            self.store.update("pods", namespace, name, {"metadata": terminating})
            already = found["metadata"].get("deletionTimestamp")
            if self.deletes_pods or (grace == 0 and already):
                self.delete_pod(namespace, name)

"""The worker that runs each flow run in a Kubernetes job."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from antiphon.blocks.extras import load
from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureNotFound
from antiphon.settings import get_current_settings
from antiphon.workers.base import BaseWorker, BaseWorkerResult, InfrastructureStatus
from antiphon.workers.kubernetes.configuration import KubernetesWorkerJobConfiguration, KubernetesWorkerVariables

if TYPE_CHECKING:
    from antiphon.workers.kubernetes.api import Cluster
    from antiphon.workers.kubernetes.clusters import Clusters

#: How long a job that is being made is waited for when it is not wanted any more.
UNDO_SECONDS = 30.0


class KubernetesWorkerResult(BaseWorkerResult):
    """How a Kubernetes job has ended."""


class KubernetesWorker(BaseWorker):
    """Runs flow runs in jobs of a Kubernetes cluster: that of the block `cluster_config`, else the one that the worker
    runs in, else that of its kubeconfig file.

    All of it is asynchronous: a job costs no thread, however many there are.
    """

    type: ClassVar[str] = "kubernetes"
    job_configuration = KubernetesWorkerJobConfiguration
    job_configuration_variables = KubernetesWorkerVariables
    description: ClassVar[str] = "Runs each flow run in a Kubernetes job. Needs a Kubernetes cluster."

    _documentation_url = "https://github.com/antiphon/antiphon/blob/main/docs/workers-kubernetes.md"

    #: For how long an API server that does not answer is asked again, before a job counts as lost.
    unreachable_seconds: ClassVar[float] = 300.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _module("api")
        self._clusters: Clusters | None = None

    async def setup(self) -> None:
        """Has a place for connections."""
        self._clusters = _module("clusters").Clusters(self.unreachable_seconds)

    async def teardown(self, *exc_info: Any) -> None:
        """Closes all connections."""
        if self._clusters is not None:
            await self._clusters.close()
        self._clusters = None

    async def run(
        self,
        flow_run: FlowRun,
        configuration: KubernetesWorkerJobConfiguration,
        task_status: InfrastructureStatus | None = None,
    ) -> KubernetesWorkerResult:
        """Make a job, wait for its end, and return how it was. Raises InfrastructureError where it cannot be made, and
        where the API server is away for too long.

        A job that was made for the same claim before, by a worker that went away, is gone on with.
        """
        async with self._cluster(configuration) as cluster:
            job = await self._made(cluster, configuration)
            namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
            self.get_flow_run_logger(flow_run).info("Runs in the Kubernetes job %s/%s", namespace, name)
            pid = f"{namespace}:{name}"
            if task_status is not None:
                task_status.started(pid)
            return await self._watched(cluster, pid, configuration)

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: KubernetesWorkerJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """Delete a job. Its pods get SIGTERM, and SIGKILL after `grace_seconds`, or after the
        `terminationGracePeriodSeconds` of their manifest where that is shorter; one whose node does not see to that is
        taken out of the cluster by force.

        Raises InfrastructureNotFound where it is not there any more, InfrastructureError.
        """
        namespace, _, name = infrastructure_pid.partition(":")
        async with self._cluster(configuration) as cluster:
            if not await _module("killing").kill_job(cluster, namespace, name, grace_seconds):
                raise InfrastructureNotFound(f"The Kubernetes job {infrastructure_pid} is not there any more.")

    @asynccontextmanager
    async def _cluster(self, configuration: KubernetesWorkerJobConfiguration) -> "AsyncIterator[Cluster]":
        if self._clusters is not None:
            yield await self._clusters.get(configuration.cluster_config)
            return
        # It is not at work: somebody calls a method of it.
        connected = _module("clusters").connected
        async with connected(configuration.cluster_config, self.unreachable_seconds) as cluster:
            yield cluster

    async def _made(self, cluster: "Cluster", configuration: KubernetesWorkerJobConfiguration) -> dict[str, Any]:
        """The job. Where this is cancelled, what was begun comes to its end and is undone."""
        making = asyncio.ensure_future(self._make(cluster, configuration))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait([making], timeout=UNDO_SECONDS)
            if not making.done():
                # The API server is away, and was asked again and again.
                making.cancel()
            elif making.exception() is None:
                metadata = making.result()["metadata"]
                await _module("jobs").delete_job(cluster, metadata["namespace"], metadata["name"])
            raise

    async def _make(self, cluster: "Cluster", configuration: KubernetesWorkerJobConfiguration) -> dict[str, Any]:
        jobs, secrets = _module("jobs"), _module("secrets")
        if not get_current_settings().integrations.kubernetes.worker.store_env_as_secret:
            made: dict[str, Any] = await jobs.create_job(cluster, configuration)
            return made
        secret = await secrets.move_env_to_secret(cluster, configuration)
        try:
            made = await jobs.create_job(cluster, configuration)
        except BaseException:
            if secret is not None:
                await secrets.delete_secret(cluster, configuration.namespace, secret)
            raise
        if secret is not None:
            await secrets.give_to_job(cluster, configuration.namespace, secret, made)
        return made

    async def _watched(
        self, cluster: "Cluster", pid: str, configuration: KubernetesWorkerJobConfiguration
    ) -> KubernetesWorkerResult:
        namespace, _, name = pid.partition(":")
        end = await _module("job_watching").await_end(cluster, namespace, name, configuration)
        return KubernetesWorkerResult(identifier=pid, status_code=end.exit_code, message=end.message)


def _module(name: str) -> Any:
    """A module that needs the package `kubernetes_asyncio`."""
    load("kubernetes_asyncio", "kubernetes", "A worker of the type `kubernetes`")
    return importlib.import_module(f"antiphon.workers.kubernetes.{name}")

"""Runs in Kubernetes jobs, by hand: their configuration, and a worker that has started one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from antiphon.client.schemas.objects import FlowRun
from antiphon.workers.kubernetes import KubernetesWorker, KubernetesWorkerJobConfiguration
from fake_kubernetes import FakeKubernetes
from kubernetes_pod import Pod
from told import Running, running

IMAGE = "registry.example.com/team/flows:1"
SERVER = {"ANTIPHON_API_URL": "grpc://antiphon.flows.svc:4200"}


async def job(flow_run: FlowRun, fencing_token: int = 7, **variables: Any) -> KubernetesWorkerJobConfiguration:
    """As a pool makes it that has the type's own template."""
    given = {"image": IMAGE, "env": SERVER, **variables}
    template = KubernetesWorker.get_default_base_job_template()
    configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(template, given)
    configuration.prepare_for_flow_run(flow_run, worker_name="w", fencing_token=fencing_token)
    return configuration


@contextlib.asynccontextmanager
async def started(cluster: FakeKubernetes, flow_run: FlowRun, **variables: Any) -> AsyncIterator[tuple[Running, Pod]]:
    """A run whose pod is there, and where both are watched."""
    async with running(KubernetesWorker("pool"), flow_run, await job(flow_run, **variables)) as run:
        await asyncio.to_thread(cluster.wait_for, "watch", "jobs")
        await asyncio.to_thread(cluster.wait_for, "watch", "pods")
        yield run, cluster.pod()

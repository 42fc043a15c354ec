"""Waits for the end of a job. It needs `kubernetes_asyncio`."""

import asyncio
import time
from dataclasses import replace
from typing import Any

from antiphon.workers.ends import with_last_lines
from antiphon.workers.kubernetes.api import Cluster
from antiphon.workers.kubernetes.configuration import KubernetesWorkerJobConfiguration
from antiphon.workers.kubernetes.jobs import delete_job, events_of, pods_of
from antiphon.workers.kubernetes.pod_logs import PodLogs, last_lines
from antiphon.workers.kubernetes.verdicts import End, Limits, View, next_look, verdict
from antiphon.workers.kubernetes.watching import follow
from antiphon.workers.log_lines import Output, print_line

#: For how long, after the end, what was printed last is waited for.
OUTPUT_SECONDS = 10.0


async def await_end(cluster: Cluster, namespace: str, name: str, job: KubernetesWorkerJobConfiguration) -> End:
    """Return how a job has ended, once it has, and delete one of which nothing is to come any more.

    Raises Unreachable where the API server is away for too long, ApiError where the worker may not look.
    """
    watched = _Watched(cluster, namespace, name, job)
    try:
        end = await watched.end()
        if end.delete:
            await delete_job(cluster, namespace, name)
        return end
    finally:
        await watched.close()


class _Watched:
    """One job, its pods and what they print."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, job: KubernetesWorkerJobConfiguration) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._view = View(began=time.monotonic())
        timeout = job.job_watch_timeout_seconds
        self._limits = Limits(float(job.pod_watch_timeout_seconds), None if timeout is None else float(timeout))
        self._output = Output(print_line if job.stream_output else None)
        self._logs = PodLogs(cluster, namespace, self._view, self._output) if job.stream_output else None
        self._news = asyncio.Event()
        batch, core = cluster.batch, cluster.core
        of_job = {"field_selector": f"metadata.name={name}"}
        of_pods = {"label_selector": f"job-name={name}"}
        self._following = [
            asyncio.create_task(follow(cluster, "jobs", batch.list_namespaced_job, of_job, _Jobs(self), namespace)),
            asyncio.create_task(follow(cluster, "pods", core.list_namespaced_pod, of_pods, _Pods(self), namespace)),
        ]

    async def end(self) -> End:
        while True:
            now = time.monotonic()
            end = verdict(self._view, self._limits, now)
            if end is not None:
                return await self._explained(end)
            if self._logs is not None:
                self._logs.look()
            await self._something(next_look(self._view, self._limits, now))

    async def _something(self, seconds: float | None) -> None:
        """Returns when there is news, or after so many seconds. Raises what following raises."""
        self._news.clear()
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait([news, *self._following], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        for task in self._following:
            if task.done():
                task.result()

    async def _explained(self, end: End) -> End:
        """With what is known of its reason. Two watches do not tell in one order: of a job that has ended, its pods may
        not have been seen as they are now."""
        if not end.delete and not self._view.all_over:
            for pod in await pods_of(self._cluster, self._namespace, self._name):
                self._view.see_pod(pod, time.monotonic())
            end = verdict(self._view, self._limits, time.monotonic()) or end
        if end.ask_events and self._view.job is not None:
            said = await events_of(self._cluster, self._namespace, self._view.job)
            if said:
                end = replace(end, message=f"{end.message} Kubernetes says of it: {said}.")
        if self._logs is not None:
            # What is still going to be deleted prints on.
            await self._logs.end(0 if end.delete else OUTPUT_SECONDS)
        if end.exit_code == 0:
            return end
        return replace(end, message=with_last_lines(end.message, await self._last_lines()))

    async def _last_lines(self) -> list[str]:
        pod = self._view.newest
        if self._output.last or pod is None or pod["metadata"]["name"] in self._view.gone:
            return self._output.last
        started = bool((pod.get("status") or {}).get("containerStatuses"))
        return await last_lines(self._cluster, self._namespace, pod) if started else []

    async def close(self) -> None:
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        if self._logs is not None:
            await self._logs.close()

    @property
    def view(self) -> View:
        return self._view

    def news(self) -> None:
        self._news.set()


class _Jobs:
    """Is told of the job."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched

    def replace(self, objects: list[dict[str, Any]]) -> None:
        for each in objects:
            self._watched.view.see_job(each)
        if not objects:
            self._is_gone()
        self._watched.news()

    def changed(self, found: dict[str, Any]) -> None:
        self._watched.view.see_job(found)
        self._watched.news()

    def deleted(self, found: dict[str, Any]) -> None:
        self._watched.view.see_job(found)
        self._is_gone()
        self._watched.news()

    def _is_gone(self) -> None:
        if self._watched.view.job_gone_at is None:
            self._watched.view.job_gone_at = time.monotonic()


class _Pods:
    """Is told of its pods."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched

    def replace(self, objects: list[dict[str, Any]]) -> None:
        there = {each["metadata"]["name"] for each in objects}
        for name in set(self._watched.view.pods) - there:
            self._watched.view.lose_pod(name)
        for each in objects:
            self._watched.view.see_pod(each, time.monotonic())
        self._watched.news()

    def changed(self, found: dict[str, Any]) -> None:
        self._watched.view.see_pod(found, time.monotonic())
        self._watched.news()

    def deleted(self, found: dict[str, Any]) -> None:
        self._watched.view.lose_pod(found["metadata"]["name"], found)
        self._watched.news()

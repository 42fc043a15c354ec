"""Ends jobs that still run. It needs `kubernetes_asyncio`."""

import asyncio
import logging
from typing import Any

from antiphon.workers.kubernetes import pods
from antiphon.workers.kubernetes.api import Cluster
from antiphon.workers.kubernetes.jobs import delete_job, delete_pod, pods_of
from antiphon.workers.kubernetes.watching import follow

#: What a node gets beyond the grace of a pod, to say that it has ended.
NODE_SECONDS = 10.0

logger = logging.getLogger("antiphon.worker")


async def kill_job(cluster: Cluster, namespace: str, name: str, grace_seconds: int) -> bool:
    """Delete a job and its pods, politely and then by force; return when they are gone. Returns whether the job was
    there. Raises ApiError, Unreachable."""
    found = await pods_of(cluster, namespace, name)
    # The job goes first, so that no new pod comes in the place of one that is deleted.
    there = await delete_job(cluster, namespace, name)
    left = _Left()
    left.replace(found)
    for pod in left.names:
        await delete_pod(cluster, namespace, pod, grace_seconds)
    if not await _all_gone(cluster, namespace, name, left, grace_seconds + NODE_SECONDS):
        for pod in left.names:
            logger.warning("The pod %s/%s has not ended in its time, and is taken out by force", namespace, pod)
            await delete_pod(cluster, namespace, pod, 0)
    return there


async def _all_gone(cluster: Cluster, namespace: str, name: str, left: "_Left", patience: float) -> bool:
    """Whether all pods that ran have ended within so many seconds."""
    selection = {"label_selector": f"job-name={name}"}
    operation = cluster.core.list_namespaced_pod
    following = asyncio.create_task(follow(cluster, "pods", operation, selection, left, namespace))
    gone = asyncio.create_task(left.gone.wait())
    try:
        done, _ = await asyncio.wait([following, gone], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if following in done:
            following.result()
        return gone in done
    finally:
        for task in (following, gone):
            task.cancel()
        await asyncio.gather(following, gone, return_exceptions=True)


class _Left:
    """Pods that have not ended."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self.gone = asyncio.Event()

    @property
    def names(self) -> list[str]:
        """Of those that are left."""
        return sorted(self._running)

    def replace(self, objects: list[dict[str, Any]]) -> None:
        """See Follower."""
        self._running.clear()
        for each in objects:
            self.changed(each)
        self._look()

    def changed(self, found: dict[str, Any]) -> None:
        """See Follower."""
        name = found["metadata"]["name"]
        if pods.is_over(found):
            self._running.discard(name)
        else:
            self._running.add(name)
        self._look()

    def deleted(self, found: dict[str, Any]) -> None:
        """See Follower."""
        self._running.discard(found["metadata"]["name"])
        self._look()

    def _look(self) -> None:
        if self._running:
            self.gone.clear()
        else:
            self.gone.set()

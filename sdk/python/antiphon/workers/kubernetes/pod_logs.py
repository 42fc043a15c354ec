"""Follows what pods print. It needs `kubernetes_asyncio`."""

import asyncio
import contextlib
import logging
import time
from typing import Any

from antiphon.workers.kubernetes import pods
from antiphon.workers.kubernetes.api import LOST, ApiError, Cluster, Unreachable
from antiphon.workers.kubernetes.verdicts import View
from antiphon.workers.log_lines import Output, TimedLines

#: The clocks of a node and of this machine pass alike, and this is for what is under way.
OVERLAP_SECONDS = 5

logger = logging.getLogger("antiphon.worker")


class PodLogs:
    """What all pods of one job print, from when each starts."""

    def __init__(self, cluster: Cluster, namespace: str, view: View, output: Output) -> None:
        self._cluster, self._namespace, self._view, self._output = cluster, namespace, view, output
        self._following: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Begin to follow pods that have started."""
        for name, pod in self._view.pods.items():
            if name not in self._following and pods.has_started(pod):
                container = pod["spec"]["containers"][0]["name"]
                self._following[name] = asyncio.create_task(self._follow(name, container))

    async def end(self, patience: float) -> None:
        """Return when all was printed that is there, at the latest after `patience` seconds."""
        self.look()
        if self._following:
            await asyncio.wait(self._following.values(), timeout=patience)

    async def close(self) -> None:
        """Follow no more."""
        for task in self._following.values():
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)

    async def _follow(self, name: str, container: str) -> None:
        lines, patience = TimedLines(), self._cluster.patience()
        heard: float | None = None
        while True:
            more: dict[str, Any] = {} if heard is None else {"since_seconds": _since(heard)}
            try:
                async with self._cluster.stream(
                    "give the log",
                    self._cluster.core.read_namespaced_pod_log,
                    name,
                    self._namespace,
                    container=container,
                    follow=True,
                    timestamps=True,
                    **more,
                ) as pieces:
                    patience.heard()
                    with contextlib.suppress(*LOST):
                        async for piece in pieces:
                            heard = time.monotonic()
                            for line in lines.feed(piece):
                                self._output.add(line)
                if self._has_ended(name):
                    for line in lines.end():
                        self._output.add(line)
                    return
                await asyncio.sleep(patience.pause())
            except (ApiError, *LOST) as error:
                if isinstance(error, ApiError) and not error.may_pass:
                    logger.warning("What the pod %s prints cannot be followed: %s", name, error)
                    return
                try:
                    await self._cluster.rest(patience, error)
                except Unreachable:
                    # Who waits for the end of the job says so.
                    return
            lines.begin()

    def _has_ended(self, name: str) -> bool:
        pod = self._view.pods.get(name)
        return pod is None or pods.exit_code(pod) is not None or pods.is_over(pod)


def _since(heard: float) -> int:
    return int(time.monotonic() - heard) + OVERLAP_SECONDS


async def last_lines(cluster: Cluster, namespace: str, pod: dict[str, Any], count: int = 20) -> list[str]:
    """Return what the run's container has printed last; nothing where that cannot be read any more."""
    try:
        async with cluster.stream(
            "give the log",
            cluster.core.read_namespaced_pod_log,
            pod["metadata"]["name"],
            namespace,
            container=pod["spec"]["containers"][0]["name"],
            tail_lines=count,
        ) as pieces:
            text = b"".join([piece async for piece in pieces])
    except (ApiError, *LOST) as error:
        logger.debug("The last lines of a pod could not be read: %s", error)
        return []
    return text.decode(errors="replace").splitlines()

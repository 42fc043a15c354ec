"""The worker that runs each flow run in a Docker container."""

import asyncio
import importlib
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from antiphon.blocks.extras import load
from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from antiphon.workers.base import BaseWorker, BaseWorkerResult, InfrastructureStatus
from antiphon.workers.docker.configuration import DockerWorkerJobConfiguration, DockerWorkerVariables
from antiphon.workers.docker.ends import end_message
from antiphon.workers.log_lines import Output, print_line
from antiphon.workers.patience import Patience
from antiphon.workers.threads import in_thread, to_its_end

if TYPE_CHECKING:
    from antiphon.workers.docker.watching import ContainerEnd, LogFollower

T = TypeVar("T")

logger = logging.getLogger("antiphon.worker")


class DockerWorkerResult(BaseWorkerResult):
    """How a container has ended."""


class DockerWorker(BaseWorker):
    """Runs flow runs in containers of the Docker engine that DOCKER_HOST names, else of its own machine.

    The package `docker` blocks, so each container has a thread that waits for its end, and one for its output where
    that is streamed.
    """

    type: ClassVar[str] = "docker"
    job_configuration = DockerWorkerJobConfiguration
    job_configuration_variables = DockerWorkerVariables
    description: ClassVar[str] = "Runs each flow run in a Docker container. Needs a Docker engine."

    _documentation_url = "https://github.com/antiphon/antiphon/blob/main/docs/workers-docker.md"

    #: For how long an engine that does not answer is asked again, before a container cannot be started.
    starting_seconds: ClassVar[float] = 30.0
    #: The same for a container that runs, before it counts as lost.
    unreachable_seconds: ClassVar[float] = 300.0
    #: For how long, after the end, what the container printed last is waited for.
    output_seconds: ClassVar[float] = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _module("engine")

    async def run(
        self,
        flow_run: FlowRun,
        configuration: DockerWorkerJobConfiguration,
        task_status: InfrastructureStatus | None = None,
    ) -> DockerWorkerResult:
        """Start a container, wait for its end, and return how it was. Raises InfrastructureError where it cannot be
        started, where the engine is away for too long, and ImportError without the extra.

        A container that was made for the same claim before, by a worker that went away, is gone on with.
        """
        run_logger = self.get_flow_run_logger(flow_run)
        with await self._patiently(self._client) as client:
            run_logger.info("Prepares a container of %s", configuration.image)
            container = await self._patiently(partial(self._container, client, configuration))
            await self._patiently(partial(self._started, client, container, configuration))
            run_logger.info("Runs in the container %s (%s)", container.name, container.id[:12])
            pid = f"{client.api.base_url}:{container.id}"
            if task_status is not None:
                task_status.started(pid)
            return await self._watched(client, pid, container.id, configuration)

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: DockerWorkerJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """Stop a container: SIGTERM, then SIGKILL after `grace_seconds`. One that has ended is fine.

        Raises InfrastructureNotFound where it is not there, InfrastructureNotAvailable where it is of another engine.
        """
        with await self._patiently(self._client) as client:
            id = _container_id(client, infrastructure_pid)
            container = await _blocking(_module("starting").find_container, client, id)
            if container is None:
                raise InfrastructureNotFound(f"The container {id} is not there any more.")
            await _blocking(_module("starting").stop_container, container, grace_seconds)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """The value of a step; it is taken again where the engine goes away in the midst, as when it is restarted."""
        patience = Patience(self.starting_seconds)
        while True:
            try:
                return await step()
            except InfrastructureNotAvailable:
                if patience.over:
                    raise
                await asyncio.sleep(patience.pause())

    async def _client(self) -> AbstractContextManager[Any]:
        opened: AbstractContextManager[Any] = await _blocking(_module("engine").open_client)
        return opened

    async def _container(self, client: Any, configuration: DockerWorkerJobConfiguration) -> Any:
        """A container that does not run yet; or that of this claim, where there is one, whose answer may have been
        lost."""
        starting = _module("starting")
        found = await _blocking(starting.existing_container, client, configuration)
        if found is not None:
            return found
        await _blocking(starting.pull_image, client, configuration)
        return await to_its_end(
            _blocking(starting.create_container, client, configuration), partial(_blocking, starting.remove_container)
        )

    async def _started(self, client: Any, container: Any, configuration: DockerWorkerJobConfiguration) -> None:
        starting = _module("starting")
        await to_its_end(
            _blocking(starting.start_container, client, container, configuration),
            lambda _: _blocking(starting.remove_container, container),
        )

    async def _watched(
        self, client: Any, pid: str, id: str, configuration: DockerWorkerJobConfiguration
    ) -> DockerWorkerResult:
        engine, watching = _module("engine"), _module("watching")
        given_up = threading.Event()
        asking = engine.Asking(Patience(self.unreachable_seconds), given_up)
        output = Output(print_line if configuration.stream_output else None)
        follower = None
        following: asyncio.Task[None] | None = None
        if configuration.stream_output:
            # It asks with a patience of its own, in another thread.
            follower = watching.LogFollower(
                client, id, output, engine.Asking(Patience(self.unreachable_seconds), given_up)
            )
            following = asyncio.create_task(_blocking(follower.follow))
        try:
            end: ContainerEnd = await _blocking(watching.await_end, client, id, asking)
            if following is not None and follower is not None:
                await self._last_output(follower, following)
            if end.exit_code and not configuration.stream_output:
                for line in await _blocking(watching.last_lines, client, id, asking):
                    output.add(line)
        finally:
            given_up.set()
            if follower is not None and following is not None:
                follower.stop()
                following.cancel()
        if configuration.auto_remove and not end.removed:
            await _blocking(_module("starting").remove_by_id, client, id)
        message = end_message(end, configuration, output.last)
        return DockerWorkerResult(identifier=pid, status_code=end.exit_code, message=message)

    async def _last_output(self, follower: "LogFollower", following: "asyncio.Task[None]") -> None:
        """What was printed last comes at once, or the engine has trouble, which does not keep the end back."""
        done, _ = await asyncio.wait([following], timeout=self.output_seconds)
        if not done:
            follower.stop()
        elif (error := following.exception()) is not None:
            logger.warning("What the container printed could not be followed to its end: %s", error)


def _module(name: str) -> Any:
    """A module that needs the package `docker`."""
    load("docker", "docker", "A worker of the type `docker`")
    return importlib.import_module(f"antiphon.workers.docker.{name}")


async def _blocking(work: Callable[..., T], *arguments: Any) -> T:
    return await in_thread("docker", partial(_module("engine").translated, work, *arguments))


def _container_id(client: Any, infrastructure_pid: str) -> str:
    """Raises InfrastructureNotAvailable for one of another engine."""
    engine, _, id = infrastructure_pid.rpartition(":")
    if engine != client.api.base_url:
        raise InfrastructureNotAvailable(
            f"The container {id} is on the Docker engine {engine}, and this worker uses {client.api.base_url}. Ask a "
            "worker whose DOCKER_HOST names that engine."
        )
    return id

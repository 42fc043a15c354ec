"""Programs that serve deployments: they run them in child processes of their own, from where their code is."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from antiphon.annotations import NotSet
from antiphon.client.schemas.objects import FlowRun
from antiphon.deployed_code import is_loading_code
from antiphon.deployments.runner import RunnerDeployment, deployment_of
from antiphon.engine.dual import Work, aperform, awaitable, dual, work_of
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import AntiphonException
from antiphon.flow_core import Flow
from antiphon.logging import setup_logging
from antiphon.option_checks import checked_limit
from antiphon.run_environment import FENCING_TOKEN, FLOW_RUN_ID
from antiphon.session.registry import describe_client
from antiphon.settings import get_current_settings
from antiphon.settings.environment import settings_environment
from antiphon.v1 import work_service_pb2 as pb
from antiphon.v1.deployment_service_pb2 import PauseDeploymentRequest, PauseDeploymentResponse
from antiphon.workers.desk import Desk
from antiphon.workers.infrastructure import BaseWorkerResult, InfrastructureStatus
from antiphon.workers.process_crew import Order, ProcessCrew

__all__ = ["Runner"]

_BY_HAND = "if __name__ == '__main__':"

logger = logging.getLogger("antiphon.runner")


class Runner:
    """Takes the runs of deployments that are in no work pool, and runs each in a process of its own."""

    hears_of_claims: ClassVar[bool] = True

    def __init__(
        self,
        name: str | None = None,
        query_seconds: float | None = None,
        prefetch_seconds: float = 10,
        heartbeat_seconds: float | None = None,
        limit: int | type[NotSet] | None = NotSet,
        pause_on_shutdown: bool = True,
        webserver: bool = False,
    ) -> None:
        """At most `limit` runs at a time (setting `runner.process_limit`), None is no bound; prepared
        `prefetch_seconds` before their time. With `pause_on_shutdown` the schedules
        of its deployments are paused when it stops. `query_seconds` and `heartbeat_seconds` have no effect: nothing is
        asked for in intervals, and the server says how often it is to be heard of. Raises ValueError for a limit below
        1, and for a `webserver`, which there is none of.
        """
        if webserver:
            raise ValueError(
                "A Runner has no web server. `antiphon worker start --with-healthcheck` has a health check."
            )
        self.name = name or "runner"
        self.limit = _limit_of(limit)
        self.pause_on_shutdown = pause_on_shutdown
        self.prefetch_seconds = prefetch_seconds
        #: Id -> the deployment.
        self._deployments: dict[UUID, RunnerDeployment] = {}
        self._desk: Desk | None = None
        self._crew: ProcessCrew | None = None

    # What it serves

    @dual
    def add_deployment(self, deployment: RunnerDeployment) -> Work[UUID]:
        """Have the server keep a deployment, to be served from `start` on, and return its id.

        In async code this gives a coroutine. Raises ValueError for one of a work pool, whose runs are its workers', and
        as `RunnerDeployment.apply`.
        """
        _refuse_while_loading()
        if deployment.work_pool_name is not None:
            raise ValueError(
                f"The deployment {deployment.full_name!r} is in the work pool {deployment.work_pool_name!r}, whose "
                "workers run it. Take the pool out to serve it, or use `deploy` and `antiphon worker start`."
            )
        if deployment.paused is None:
            # Who served it before may have paused it as it stopped.
            deployment = deployment.model_copy(update={"paused": False})
        id = yield from work_of(RunnerDeployment.apply)(deployment)
        self._deployments[id] = deployment
        return id

    aadd_deployment = awaitable(add_deployment)

    @dual
    def add_flow(self, flow: Flow[..., Any], name: str | None = None, **options: Any) -> Work[UUID]:
        """Make a deployment of a flow and add it; it is called as the flow where no name is given. `options` are those
        of `Flow.to_deployment`, and so is what it raises. In async code this gives a coroutine."""
        return (yield from work_of(Runner.add_deployment)(self, deployment_of(flow, name or flow.name, **options)))

    aadd_flow = awaitable(add_flow)

    # At work

    async def start(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """Take runs until SIGINT or SIGTERM, or `stop`; runs that are here then end first, and at the second signal
        they are killed. With `run_once` it takes what is due now, and stops when that has ended.

        Raises ValueError without deployments, RuntimeError for one that runs, ServerUnreachable where no server is
        found at the beginning.
        """
        if webserver:
            raise ValueError(
                "A Runner has no web server. `antiphon worker start --with-healthcheck` has a health check."
            )
        if self._desk is not None:
            raise RuntimeError("The runner is running already.")
        if not self._deployments:
            raise ValueError("There is no deployment to serve. Add one: `runner.add_flow(my_flow)`.")
        setup_logging()
        self._crew = ProcessCrew()
        self._desk = Desk(
            self, self._hello(), self.limit, welcomed=self._greeted, stopping=self._pause_all, run_once=run_once
        )
        try:
            await self._crew.warm_up()
            await self._desk.work()
        finally:
            self._crew.close()
            self._desk = self._crew = None

    def stop(self) -> None:
        """Have a running one stop as the first SIGTERM would, and at the second call as the second. Safe in any thread.
        Raises RuntimeError for one that does not run."""
        if self._desk is None:
            raise RuntimeError("The runner is not running, so it cannot be stopped.")
        self._desk.stop()

    async def astop(self) -> None:
        """As `stop`."""
        self.stop()

    def handle_sigterm(self, *_: Any) -> None:
        """Do what `stop` does; for programs that handle signals themselves."""
        self.stop()

    def has_slots_available(self) -> bool:
        """Return whether it has room for one more run."""
        return self.limit is None or self._desk is None or self._desk.runs < self.limit

    async def execute_flow_run(
        self,
        flow_run_id: UUID | str,
        entrypoint: str | None = None,
        command: str | None = None,
        cwd: Path | str | None = None,
        env: Mapping[str, str | None] | None = None,
        task_status: InfrastructureStatus | None = None,
        stream_output: bool = True,
    ) -> BaseWorkerResult:
        """Run one flow run of a deployment in a process, wait for its end, and say how that was; nobody need be
        serving. Raises ConfigurationError where the process cannot be started, ValueError for an `entrypoint`, which
        the deployment says."""
        if entrypoint is not None:
            raise ValueError("The entrypoint is the deployment's: change it there.")
        crew = self._crew or ProcessCrew()
        environment = {**settings_environment(), **(env or {}), FLOW_RUN_ID: str(flow_run_id)}
        order = Order(command, environment, Path(cwd) if cwd is not None else None, stream_output)
        try:
            return await crew.run(order, task_status)
        finally:
            if crew is not self._crew:
                crew.close()

    # As a crew

    async def configure(self, offer: pb.WorkOffer, flow_run: FlowRun) -> Order:
        """The process of a run."""
        identity = {FLOW_RUN_ID: str(flow_run.id), FENCING_TOKEN: str(offer.fencing_token)}
        return Order(None, {**settings_environment(), **identity})

    async def run(
        self, flow_run: FlowRun, configuration: Order, task_status: InfrastructureStatus | None = None
    ) -> BaseWorkerResult:
        """Runs it."""
        assert self._crew is not None
        return await self._crew.run(configuration, task_status)

    async def kill_infrastructure(self, infrastructure_pid: str, configuration: Order, grace_seconds: int = 30) -> None:
        """Ends it."""
        assert self._crew is not None
        await self._crew.kill(infrastructure_pid, grace_seconds)

    # Inside

    def _hello(self) -> pb.WorkerHello:
        hello = pb.WorkerHello(
            name=self.name, deployment_ids=sorted(map(str, self._deployments)), client=describe_client()
        )
        hello.prefetch.FromTimedelta(timedelta(seconds=self.prefetch_seconds))
        return hello

    def _greeted(self, _: pb.WorkerWelcome) -> None:
        logger.debug("Runner %r is known to the server", self.name)

    async def _pause_all(self) -> None:
        if not self.pause_on_shutdown:
            return
        for id, deployment in self._deployments.items():
            try:
                await aperform(_paused(id))
            except AntiphonException as error:
                logger.warning("The deployment %r could not be paused: %s", deployment.full_name, error)


def _paused(id: UUID) -> Work[None]:
    request = PauseDeploymentRequest(id=str(id))
    yield from call_server(lambda client: client.deployments.PauseDeployment, request, PauseDeploymentResponse)


def _limit_of(given: int | type[NotSet] | None) -> int | None:
    limit = get_current_settings().runner.process_limit if isinstance(given, type) else given
    return checked_limit(limit)


def _refuse_while_loading() -> None:
    if is_loading_code():
        raise RuntimeError(
            f"`serve` is called as the file of a flow is loaded for one of its runs. Put the call under {_BY_HAND!r}"
        )


async def served(
    deployments: list[RunnerDeployment],
    *,
    pause_on_shutdown: bool,
    limit: int | None,
    started: Callable[[Runner], object] | None,
) -> None:
    """Serve deployments until the program is told to stop; `started` is called when the server knows them."""
    runner = Runner(pause_on_shutdown=pause_on_shutdown, limit=NotSet if limit is None else limit)
    for deployment in deployments:
        await runner.aadd_deployment(deployment)
    if started is not None:
        started(runner)
    await runner.start()

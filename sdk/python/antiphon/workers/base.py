"""Workers: what all types of them have in common.

A type of its own is a subclass that says how something is started and ended, and nothing of servers or leases:

    class BoatWorker(BaseWorker):
        type = "boat"
        job_configuration = BoatConfiguration  # a BaseJobConfiguration, for what a job needs to be known of it
        job_configuration_variables = BoatVariables  # a BaseVariables, for what deployments may say

        async def run(self, flow_run, configuration, task_status=None):
            boat = await launch(configuration.command, configuration.env)
            task_status.started(boat.name)
            code = await boat.wait()
            return BaseWorkerResult(identifier=boat.name, status_code=code)

        async def kill_infrastructure(self, infrastructure_pid, configuration, grace_seconds=30):
            await sink(infrastructure_pid)
"""

import abc
import builtins
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias
from uuid import uuid4

from antiphon.client.conversions.work import deployment_from, work_pool_from
from antiphon.client.schemas.objects import FlowRun
from antiphon.engine.dual import aperform
from antiphon.engine.server_calls import call_server
from antiphon.logging import setup_logging
from antiphon.logging.run_loggers import AntiphonLogAdapter, flow_run_logger
from antiphon.option_checks import checked_limit
from antiphon.session.registry import describe_client
from antiphon.settings import get_current_settings
from antiphon.v1 import work_service_pb2 as pb
from antiphon.v1.work_pool_pb2 import WorkPool
from antiphon.v1.work_pool_service_pb2 import GetWorkPoolRequest, GetWorkPoolResponse
from antiphon.workers.desk import Desk
from antiphon.workers.health import health_check
from antiphon.workers.infrastructure import BaseWorkerResult, InfrastructureStatus
from antiphon.workers.job_configuration import BaseJobConfiguration, BaseVariables
from antiphon.workers.worker_types import all_worker_types, load_worker_class

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult", "InfrastructureStatus"]

#: Seconds; the contract's limit.
_MOST_PREFETCH = 600.0

# Where `type` is a class attribute, it cannot be written as the type of others.
_JobConfiguration: TypeAlias = type[BaseJobConfiguration]
_Variables: TypeAlias = type[BaseVariables]


class BaseWorker(abc.ABC):
    """Takes runs from a work pool and has them run by what a subclass starts."""

    #: That of the work pools whose runs it takes.
    type: ClassVar[str]
    job_configuration: ClassVar[_JobConfiguration] = BaseJobConfiguration
    #: None takes the fields of the job configuration.
    job_configuration_variables: ClassVar[_Variables | None] = None
    description: ClassVar[str] = ""
    #: Whether `run` says `task_status.claimed()` when the process has its run RUNNING. Where it does, what has not come
    #: so far is killed by the clock when the lease runs out and the server cannot be asked. Else the server's word is
    #: waited for: the fencing token keeps such a process from doing anything.
    hears_of_claims: ClassVar[bool] = False

    _documentation_url: ClassVar[str] = ""
    _logo_url: ClassVar[str] = ""

    def __init__(
        self,
        work_pool_name: str,
        work_queues: Iterable[str] | None = None,
        name: str | None = None,
        prefetch_seconds: float | None = None,
        create_pool_if_not_found: bool = True,
        limit: int | None = None,
        heartbeat_interval_seconds: float | None = None,
        *,
        base_job_template: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """A worker of a pool, which is made where it is not there, with `base_job_template` or the type's own.

        It takes from `work_queues`, or from all; at most `limit` runs at a time, None is no bound. Runs are prepared
        `prefetch_seconds` before their time (setting `worker.prefetch_seconds`). `labels` are what deployments may ask
        of their workers. `heartbeat_interval_seconds` has no effect: the server says how often it is to be heard of.
        Raises ValueError for a limit below 1 or a prefetch that is negative or above 600.
        """
        if isinstance(work_queues, str):
            raise TypeError(f"work_queues are names in a list, such as [{work_queues!r}].")
        if not work_pool_name:
            raise ValueError("A worker needs the name of the work pool that it takes runs from.")
        self.work_pool_name = work_pool_name
        self.work_queues = set(work_queues or ())
        self.name = name or f"{self.__class__.__name__} {uuid4()}"
        self.create_pool_if_not_found = create_pool_if_not_found
        self.limit = checked_limit(limit)
        self.labels = dict(labels or {})
        self.prefetch_seconds = (
            get_current_settings().worker.prefetch_seconds if prefetch_seconds is None else prefetch_seconds
        )
        if not 0 <= self.prefetch_seconds <= _MOST_PREFETCH:
            raise ValueError(f"prefetch_seconds is {self.prefetch_seconds!r}; give seconds, 0 to {_MOST_PREFETCH:g}.")
        #: The server's, once it knows the worker.
        self.id: str | None = None
        self._base_job_template = dict(base_job_template) if base_job_template else None
        self._desk: Desk | None = None
        self._printer: Callable[..., Any] = print
        self._welcomed = False

    # What subclasses say

    @abc.abstractmethod
    async def run(
        self,
        flow_run: FlowRun,
        configuration: Any,
        task_status: InfrastructureStatus | None = None,
    ) -> BaseWorkerResult:
        """Start what runs the run, say `task_status.started(identifier)`, wait for its end, and return how it was.

        Where it raises, the run could not be started, and is CRASHED with what the error says. Where it is cancelled
        before it has said that it started, it removes what it has made until then.
        """

    @abc.abstractmethod
    async def kill_infrastructure(self, infrastructure_pid: str, configuration: Any, grace_seconds: int = 30) -> None:
        """End what `run` has started: politely, and by force after `grace_seconds`. `run` then returns.

        Raises InfrastructureNotFound where it is not there any more, InfrastructureNotAvailable where this worker
        cannot reach it.
        """

    async def setup(self) -> None:  # noqa: B027 - most need not do anything
        """Called before the first run; subclasses open what they need."""

    async def teardown(self, *exc_info: Any) -> None:  # noqa: B027 - nor here
        """Called after the last run; subclasses close what they opened."""

    # At work

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., Any] = print
    ) -> None:
        """Take runs and have them run, until SIGINT or SIGTERM, or `stop`; runs that are here then end first, and at
        the second signal they are killed.

        With `run_once` it takes what is due now, and stops when that has ended. With `with_healthcheck`,
        http://<host>:<port>/health says whether the server is heard (settings `worker.webserver`). Raises ServerError
        where the server refuses: there is no such pool or queue, the pool is of another type, or a worker of this name
        is there; ServerUnreachable where no server is found at the beginning.
        """
        setup_logging()
        self._printer = printer
        async with self:
            self._desk = Desk(self, self._hello(), self.limit, welcomed=self._greeted, run_once=run_once)
            with health_check(self) if with_healthcheck else nullcontext():
                await self._desk.work()

    def stop(self) -> None:
        """Have a running worker stop as the first SIGTERM would, and at the second call as the second. Safe in any
        thread. Raises RuntimeError for one that does not run."""
        if self._desk is None:
            raise RuntimeError("The worker is not running, so it cannot be stopped.")
        self._desk.stop()

    async def __aenter__(self) -> Self:
        if self._desk is not None:
            raise RuntimeError("The worker is running already.")
        await self.setup()
        return self

    async def __aexit__(
        self, kind: builtins.type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._desk = None
        await self.teardown(kind, error, trace)

    def is_worker_still_polling(self, query_interval_seconds: float = 0) -> bool:
        """Return whether the server is heard. `query_interval_seconds` has no effect: nothing is asked for in
        intervals."""
        return self._desk is not None and self._desk.in_touch

    def get_status(self) -> dict[str, Any]:
        """Return what the worker is and does, for people."""
        return {
            "name": self.name,
            "type": self.type,
            "work_pool_name": self.work_pool_name,
            "work_queues": sorted(self.work_queues),
            "labels": self.labels,
            "limit": self.limit,
            "flow_runs": self._desk.runs if self._desk is not None else 0,
            "online": self.is_worker_still_polling(),
        }

    async def configure(self, offer: pb.WorkOffer, flow_run: FlowRun) -> Any:
        """Return the job of a run, ready to be started. Raises ConfigurationError, ValueError, ServerUnreachable."""
        request = GetWorkPoolRequest(name=self.work_pool_name)
        answer = await aperform(call_server(lambda client: client.work_pools.GetWorkPool, request, GetWorkPoolResponse))
        pool = answer.work_pool
        template = json.loads(pool.base_job_template) if pool.base_job_template else {}
        configuration = await self.job_for(template, flow_run)
        deployment = deployment_from(offer.deployment) if offer.HasField("deployment") else None
        configuration.prepare_for_flow_run(
            flow_run, deployment, work_pool_from(pool), self.name, fencing_token=offer.fencing_token
        )
        return configuration

    def _hello(self) -> pb.WorkerHello:
        hello = pb.WorkerHello(
            name=self.name,
            work_pool_name=self.work_pool_name,
            work_pool_type=self.type,
            work_queue_names=sorted(self.work_queues),
            labels=self.labels,
            client=describe_client(),
        )
        hello.prefetch.FromTimedelta(timedelta(seconds=self.prefetch_seconds))
        if self.create_pool_if_not_found:
            template = self._base_job_template or self.get_default_base_job_template()
            hello.create_work_pool.CopyFrom(
                WorkPool(name=self.work_pool_name, type=self.type, base_job_template=json.dumps(template))
            )
        return hello

    def _greeted(self, welcome: pb.WorkerWelcome) -> None:
        if not self._welcomed:
            self._printer(f"Worker {self.name!r} started, and takes runs from work pool {self.work_pool_name!r}.")
        self._welcomed = True
        self.id = welcome.worker.id

    # Of the type

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """Return the job template that pools of this type get where nobody gives another."""
        variables: Any = cls.job_configuration_variables or cls.job_configuration
        if issubclass(variables, BaseVariables):
            schema = variables.template_schema()
        else:
            schema = {key: value for key, value in variables.model_json_schema().items() if key != "title"}
        return {"job_configuration": cls.job_configuration.json_template(), "variables": schema}

    @classmethod
    def get_description(cls) -> str:
        """Return what the type is for."""
        return cls.description

    @classmethod
    def get_documentation_url(cls) -> str:
        """Return where more is said; empty where nothing is."""
        return cls._documentation_url

    @classmethod
    def get_logo_url(cls) -> str:
        """Return a picture for pages; empty for none."""
        return cls._logo_url

    @staticmethod
    def get_worker_class_from_type(type: str) -> Any:
        """Return the class of workers of a type. Raises ValueError for one that is not known, ImportError where
        packages are missing, which says what to install."""
        return load_worker_class(type)

    @staticmethod
    def get_all_available_worker_types() -> list[str]:
        """Return the types that are known here, also by other packages (entry points `antiphon.workers`)."""
        return all_worker_types()

    async def job_for(self, base_job_template: Mapping[str, Any], flow_run: FlowRun) -> Any:
        """Return the job configuration that a pool's template makes for a run; the type's own template stands in for an
        empty one. Raises ConfigurationError, ValueError."""
        template = base_job_template or self.get_default_base_job_template()
        return await self.job_configuration.from_template_and_values(dict(template), dict(flow_run.job_variables or {}))

    @classmethod
    def get_name_slug(cls) -> str:
        """Return the type as a part of names."""
        return re.sub(r"[^a-z0-9]+", "-", cls.type.lower()).strip("-")

    def get_flow_run_logger(self, flow_run: FlowRun) -> AntiphonLogAdapter:
        """Return a logger whose lines are the run's."""
        return flow_run_logger(flow_run, worker_name=self.name, work_pool_name=self.work_pool_name)

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
import logging
import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from antiphon.client.schemas.objects import FlowRun
from antiphon.workers.infrastructure import BaseWorkerResult, InfrastructureStatus
from antiphon.workers.job_configuration import BaseJobConfiguration, BaseVariables
from antiphon.workers.worker_types import all_worker_types, load_worker_class

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult", "InfrastructureStatus"]

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

    @staticmethod
    def get_logger() -> logging.Logger:
        """Return the logger of workers."""
        return logging.getLogger("antiphon.worker")

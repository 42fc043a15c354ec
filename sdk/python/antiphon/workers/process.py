"""Workers that run each flow run in a process of its own, on their machine."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from antiphon.client.schemas.objects import FlowRun, WorkPool
from antiphon.client.schemas.responses import DeploymentResponse
from antiphon.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from antiphon.workers.infrastructure import InfrastructureStatus
from antiphon.workers.process_crew import Order, ProcessCrew
from antiphon.workers.python_environments import PythonEnvironments

__all__ = ["ProcessJobConfiguration", "ProcessVariables", "ProcessWorker", "ProcessWorkerResult"]


class ProcessVariables(BaseVariables):
    """What a deployment or a run may say of its process."""

    stream_output: bool = Field(default=True, description="Whether the process writes where the worker writes.")
    working_dir: Path | None = Field(
        default=None,
        title="Working Directory",
        description="The folder that the process starts in; an empty one of its own where none is given.",
    )
    venv: Path | None = Field(
        default=None,
        title="Virtual Environment",
        description="A virtual environment on the worker's machine whose Python runs the run; antiphon must be in it.",
    )
    requirements: list[str] = Field(
        default_factory=list,
        description="Packages that the run needs, as pip writes them. A virtual environment with them is made, once.",
    )


class ProcessJobConfiguration(BaseJobConfiguration):
    """The process of one run."""

    runs_elsewhere: ClassVar[bool] = False
    stream_output: bool = True
    working_dir: Path | None = None
    venv: Path | None = None
    requirements: list[str] = Field(default_factory=list)
    #: Whether somebody has given the command.
    _given_command: bool = False

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        *,
        fencing_token: int = 0,
    ) -> None:
        """See BaseJobConfiguration."""
        self._given_command = self.command is not None
        super().prepare_for_flow_run(flow_run, deployment, work_pool, worker_name, fencing_token=fencing_token)


class ProcessWorkerResult(BaseWorkerResult):
    """How the process of a run has ended."""


class ProcessWorker(BaseWorker):
    """Runs each flow run in a process of its own, on this machine.

    A worker that is killed leaves its processes behind: those whose runs are RUNNING go on, on sessions of their own,
    and the others are kept from their runs by their fencing tokens.
    """

    type = "process"
    job_configuration = ProcessJobConfiguration
    job_configuration_variables = ProcessVariables
    description: ClassVar[str] = "Runs flow runs as processes on the machine of the worker."
    hears_of_claims = True

    _documentation_url = "https://github.com/antiphon/antiphon/blob/main/docs/workers.md"

    async def setup(self) -> None:
        """Has ready what the first run would wait for."""
        self._crew = ProcessCrew()
        self._environments = PythonEnvironments()
        await self._crew.warm_up()

    async def teardown(self, *exc_info: Any) -> None:
        """Starts nothing any more."""
        self._crew.close()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: InfrastructureStatus | None = None,
    ) -> ProcessWorkerResult:
        """See BaseWorker. Raises ConfigurationError for a command, a folder or an environment that cannot be used."""
        found = await self._environments.found_for(configuration.venv, configuration.requirements)
        environment = dict(configuration.env)
        command = configuration.command if configuration._given_command else None
        if found is not None:
            environment = found.environment(environment)
            command = command or found.engine_command
        order = Order(
            command,
            environment,
            configuration.working_dir,
            configuration.stream_output,
            says_claimed=configuration.is_using_a_runner,
        )
        result = await self._crew.run(order, task_status)
        return ProcessWorkerResult(**result.model_dump())

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: ProcessJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """See BaseWorker: SIGTERM, then SIGKILL, for the process and all of its group."""
        await self._crew.kill(infrastructure_pid, grace_seconds)

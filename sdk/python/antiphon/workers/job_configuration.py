"""What workers need to know to start what runs a run."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from antiphon.client.schemas.objects import FlowRun, WorkPool
from antiphon.client.schemas.responses import DeploymentResponse
from antiphon.run_environment import FENCING_TOKEN, FLOW_RUN_ID
from antiphon.settings.environment import settings_environment
from antiphon.workers.job_templates import filled_template


class BaseVariables(BaseModel):
    """What a deployment or a run may say of its job; a worker of your own adds fields in a subclass."""

    name: str | None = Field(default=None, description="The name of what runs the run.")
    env: dict[str, str | None] = Field(
        default_factory=dict, title="Environment Variables", description="Environment variables; null takes one away."
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of what runs the run.")
    command: str | None = Field(
        default=None, description="The command that runs the run; where none is given, the worker knows its own."
    )

    @classmethod
    def template_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of these variables, with empty collections as defaults."""
        schema = cls.model_json_schema()
        for name, field in cls.model_fields.items():
            factory = field.default_factory
            if factory in (dict, list):
                schema["properties"][name]["default"] = factory()
        return {key: value for key, value in schema.items() if key != "title" and key != "description"}


class BaseJobConfiguration(BaseModel):
    """The job of one run: the template of the pool with values in it."""

    # What does not fit may be a secret that a template has filled in, and the error is read by all.
    model_config = ConfigDict(extra="ignore", validate_assignment=True, hide_input_in_errors=True)

    #: Whether what it runs in has files of its own, so that settings which name files of the worker's are not for it.
    runs_elsewhere: ClassVar[bool] = True
    #: The default of `command`.
    default_command: ClassVar[str] = "python -m antiphon.engine"

    command: str | None = None
    #: None takes a variable away.
    env: dict[str, str | None] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    name: str | None = None

    @field_validator("env", mode="before")
    @classmethod
    def _texts(cls, env: Any) -> Any:
        """Numbers and truth values are what people write in JSON, and the environment has texts."""
        if not isinstance(env, dict):
            return env
        return {key: _text(value) for key, value in env.items()}

    @field_validator("command")
    @classmethod
    def _no_empty_command(cls, command: str | None) -> str | None:
        return command if command and command.strip() else None

    @property
    def is_using_a_runner(self) -> bool:
        """Whether the command runs the flow run as Antiphon does."""
        return self.command is not None and ("antiphon.engine" in self.command or "flow-run execute" in self.command)

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """Return the `job_configuration` of the type's own template: a variable for each field, unless the field says
        another by `json_schema_extra={"template": ...}`."""
        template = {}
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            said = extra.get("template") if isinstance(extra, dict) else None
            template[name] = f"{{{{ {name} }}}}" if said is None else said
        return template

    @classmethod
    async def from_template_and_values(cls, base_job_template: dict[str, Any], values: dict[str, Any]) -> Self:
        """Return the job that a pool's base job template makes of these values.

        Raises ConfigurationError where a value is missing, and ValueError (pydantic's) where one is of a wrong type.
        """
        return cls.model_validate(await filled_template(base_job_template, values))

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        *,
        fencing_token: int = 0,
    ) -> None:
        """Add what this run needs: its environment, labels, command and name. Subclasses call this first.

        `fencing_token` is the claim that the process acts on.
        """
        identity: dict[str, str | None] = {FLOW_RUN_ID: str(flow_run.id)}
        if fencing_token:
            identity[FENCING_TOKEN] = str(fencing_token)
        self.env = {**settings_environment(elsewhere=self.runs_elsewhere), **self.env, **identity}
        self.labels = {**self._labels_of(flow_run, deployment, work_pool, worker_name), **self.labels}
        self.command = self.command or self.default_command
        self.name = self.name or flow_run.name

    @staticmethod
    def _labels_of(
        flow_run: FlowRun, deployment: DeploymentResponse | None, work_pool: WorkPool | None, worker_name: str | None
    ) -> dict[str, str]:
        labels = {"antiphon.io/flow-run-id": str(flow_run.id), "antiphon.io/flow-run-name": flow_run.name}
        if deployment is not None:
            labels["antiphon.io/deployment-id"] = str(deployment.id)
            labels["antiphon.io/deployment-name"] = deployment.name
        if work_pool is not None:
            labels["antiphon.io/work-pool-name"] = work_pool.name
        if worker_name is not None:
            labels["antiphon.io/worker-name"] = worker_name
        return labels


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value

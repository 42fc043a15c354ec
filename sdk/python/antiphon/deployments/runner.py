"""A flow as it is meant to run, before the server hears of it."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, Unpack
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from antiphon.client.arguments import refuse
from antiphon.client.schemas.objects import ConcurrencyLimitConfig, VersionInfo
from antiphon.deployment_options import DeploymentOptions, EntrypointType, given_schedules
from antiphon.deployments.applying import applied
from antiphon.engine.dual import Work, awaitable, awaitable_of_class, dual
from antiphon.exceptions import InvalidNameError
from antiphon.flow_core import Flow, loaded_flow
from antiphon.flow_loading import load_flow_from_entrypoint
from antiphon.flow_source import pulled_object, storage_of
from antiphon.option_checks import checked_name, checked_tags, checked_version
from antiphon.schedules import Schedule

__all__ = ["EntrypointType", "RunnerDeployment"]


class RunnerDeployment(BaseModel):
    """What a deployment shall be. `apply` has the server keep it."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", validate_assignment=True)

    name: str
    flow_name: str
    description: str | None = None
    version: str | None = None
    #: How the version is found out, such as `vcs:git`; None takes it as it is.
    version_type: str | None = None
    tags: list[str] = Field(default_factory=list)
    #: None leaves those that the server has.
    schedules: list[Schedule] | None = None
    concurrency_limit: int | ConcurrencyLimitConfig | None = None
    #: None leaves it as it is.
    paused: bool | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    entrypoint: str
    enforce_parameter_schema: bool = True
    #: Where the code comes from: a storage of `antiphon.runner.storage`; None for what is there.
    storage: Any = None
    #: How the code comes to the worker, where no storage says so.
    pull_steps: list[dict[str, Any]] = Field(default_factory=list)
    #: The folder to which the entrypoint belongs; None for the one that the pull steps end in.
    path: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    _parameter_schema: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name of the flow, a slash, and its own."""
        return f"{self.flow_name}/{self.name}"

    @property
    def parameter_schema(self) -> dict[str, Any]:
        """The JSON schema of the flow's parameters; empty where it is not known."""
        return self._parameter_schema

    @dual
    def apply(
        self,
        schedules: list[Schedule] | None = None,
        work_pool_name: str | None = None,
        image: str | None = None,
        version_info: VersionInfo | None = None,
    ) -> Work[UUID]:
        """Have the server make this deployment, or change the one of its name, and return its id.

        The arguments come before what the deployment says. In async code this gives a coroutine. Raises ValueError for
        an image without a work pool, ObjectNotFound for a work pool or queue that is not there, ServerError.
        """
        answer = yield from applied(self, schedules, work_pool_name, image, version_info)
        return UUID(answer.deployment.id)

    aapply = awaitable(apply)

    @classmethod
    def from_flow(
        cls,
        flow: Flow[..., Any],
        name: str,
        *,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        **options: Unpack[DeploymentOptions],
    ) -> Self:
        """Return a deployment of a flow of this program. `options` are those of `Flow.to_deployment`, and so is what it
        raises."""
        place, entrypoint = _place_of(flow, EntrypointType(entrypoint_type))
        return cls._of(flow, name, options, entrypoint=entrypoint, path=place)

    @classmethod
    def from_entrypoint(
        cls, entrypoint: str, name: str, flow_name: str | None = None, **options: Unpack[DeploymentOptions]
    ) -> Self:
        """Return a deployment of the flow at an entrypoint, such as `flows.py:hello`, of the working directory. The
        file is run. Raises ValueError for what is no entrypoint, ScriptError, MissingFlowError, and as
        `Flow.to_deployment`."""
        flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        return cls._of(flow, name, options, flow_name, entrypoint=entrypoint, path=str(Path.cwd()))

    @classmethod
    @dual
    def from_storage(
        cls,
        storage: Any,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        **options: Unpack[DeploymentOptions],
    ) -> "Work[RunnerDeployment]":
        """Return a deployment of the flow at an entrypoint of a storage, whose code is brought here to be looked at.

        In async code this gives a coroutine. Raises as `Flow.from_source` and `Flow.to_deployment`.
        """
        found, pulled = yield from pulled_object(storage, entrypoint)
        flow = loaded_flow(found, entrypoint, pulled)
        return cls._of(flow, name, options, flow_name, entrypoint=entrypoint, storage=pulled)

    afrom_storage = awaitable_of_class(from_storage)

    @classmethod
    def _of(
        cls,
        flow: Flow[..., Any],
        name: str,
        options: Mapping[str, Any],
        flow_name: str | None = None,
        **place: Any,
    ) -> Self:
        given = dict(options)
        refuse("a deployment yet", triggers=given.pop("triggers", None), _sla=given.pop("_sla", None))
        times = {key: given.pop(key, None) for key in ("interval", "cron", "rrule", "schedule", "schedules")}
        made = cls(
            name=_checked(name),
            flow_name=flow_name or flow.name,
            description=given.pop("description", None) or flow.description,
            version=checked_version(given.pop("version", None)) or flow.version,
            tags=sorted(checked_tags(given.pop("tags", None))),
            schedules=given_schedules(**times),
            parameters=dict(given.pop("parameters", None) or {}),
            job_variables=dict(given.pop("job_variables", None) or {}),
            **given,
            **place,
        )
        # A run that gets what its flow does not take would fail; so it is not made.
        made._parameter_schema = {**flow.parameters.model_dump(), "additionalProperties": False}
        return made


def deployment_of(
    flow: Flow[..., Any], name: str, *, entrypoint_type: EntrypointType = EntrypointType.FILE_PATH, **options: Any
) -> RunnerDeployment:
    """Return a deployment of a flow: from the storage that it was loaded from, or of this program."""
    if flow.source is None:
        return RunnerDeployment.from_flow(flow, name, entrypoint_type=entrypoint_type, **options)
    storage, entrypoint = flow.source
    return RunnerDeployment._of(flow, name, options, entrypoint=entrypoint, storage=storage_of(storage))


def _checked(name: str) -> str:
    """Raises InvalidNameError."""
    if name == "":
        raise InvalidNameError("The name of a deployment is empty. Give one, such as 'nightly'.")
    return checked_name(name, "", "deployment")


def _place_of(flow: Flow[..., Any], kind: EntrypointType) -> tuple[str, str]:
    """The folder, and the entrypoint there, by which another process finds the flow. Raises ValueError."""
    function = inspect.unwrap(flow.fn)
    qualname = getattr(function, "__qualname__", "<lambda>")
    if "<" in qualname:
        raise ValueError(
            f"The flow {flow.name!r} is defined inside a function, where no other process finds it. Define it at the "
            "top of a file."
        )
    if kind is EntrypointType.MODULE_PATH:
        if function.__module__ == "__main__":
            raise ValueError(
                f"The flow {flow.name!r} is in the program itself, which is no module for others. Use "
                "EntrypointType.FILE_PATH, or move it to a module."
            )
        return str(Path.cwd()), f"{function.__module__}.{qualname}"
    file = Path(inspect.getsourcefile(function) or "")
    if not file.is_file():
        raise ValueError(
            f"The flow {flow.name!r} is not in a file, such as one typed into an interpreter, so no other process "
            "finds it. Save it in a file."
        )
    file, here = file.resolve(), Path.cwd().resolve()
    folder = here if file.is_relative_to(here) else file.parent
    return str(folder), f"{file.relative_to(folder).as_posix()}:{qualname}"

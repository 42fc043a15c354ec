"""From an entry of a project file to a deployment: its steps are done, and its templates filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from antiphon.deployments.applying import pool_named
from antiphon.deployments.project_file import ProjectFile, ProjectFileError
from antiphon.deployments.project_model import DeploymentEntry
from antiphon.deployments.runner import RunnerDeployment
from antiphon.deployments.steps.core import parsed_step, run_steps
from antiphon.deployments.template_values import resolved, unknown_output, with_outputs
from antiphon.deployments.templates import Source, names_in
from antiphon.docker_engine import CODE_FOLDER
from antiphon.engine.dual import Work, work_of
from antiphon.exceptions import ConfigurationError

_STEPS = ("build", "push", "pull")
_PROCESS = "process"


@dataclass(slots=True)
class Chosen:
    """One deployment to make: an entry, and where it stands."""

    entry: dict[str, Any]
    #: None for one that no file has.
    file: ProjectFile | None = None
    place: int = 0

    @property
    def name(self) -> str:
        """Its own name, as it stands."""
        return str(self.entry.get("name") or "")


@dataclass(slots=True)
class Maker:
    """Makes deployments of entries."""

    #: Told what steps are done.
    say: Callable[[str], None]
    #: Whether steps are left undone, and what they would give is not filled in.
    dry_run: bool = False
    #: What steps gave that were done already: those of the whole file are done once.
    _done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def made(self, chosen: Chosen) -> Work[RunnerDeployment]:
        """Gives the deployment. Raises ConfigurationError where the entry cannot be used, and as
        `RunnerDeployment.from_entrypoint`, `run_steps` and `pool_named`."""
        # Before steps build and push for nothing.
        _check_named(chosen.entry.get("name"), chosen.entry.get("entrypoint"))
        outputs = yield from self._outputs(chosen.entry)
        pull = [_own_names(step) for step in chosen.entry.get("pull") or ()]
        _check_pull(pull, outputs, self.dry_run)
        rest = {key: value for key, value in chosen.entry.items() if key not in _STEPS}
        entry = _entry_of(chosen, (yield from resolved(rest, outputs, keep_outputs=self.dry_run)))
        name, entrypoint = _check_named(entry.name, entry.entrypoint)
        wanted = entry.work_pool
        pool = yield from pool_named(wanted.name if wanted is not None else None)
        deployment = RunnerDeployment.from_entrypoint(
            entrypoint,
            name,
            entry.flow_name,
            description=entry.description,
            tags=entry.tags,
            version=entry.version,
            version_type=entry.version_type,
            parameters=entry.parameters,
            schedules=entry.all_schedules(),
            concurrency_limit=entry.concurrency_limit,
            enforce_parameter_schema=entry.enforce_parameter_schema,
            paused=entry.paused,
            work_pool_name=pool.name,
            work_queue_name=wanted.work_queue_name if wanted is not None else None,
            job_variables=wanted.job_variables if wanted is not None else None,
        )
        deployment.pull_steps = [with_outputs(step, outputs) for step in pull]
        deployment.path = _path_of(deployment, pool)
        return deployment

    def _outputs(self, entry: Mapping[str, Any]) -> Work[dict[str, Any]]:
        """What the steps before the deployment give."""
        outputs: dict[str, Any] = {}
        for section in ("build", "push"):
            steps = entry.get(section) or []
            if self.dry_run:
                for step in steps:
                    self.say(f"Would do the {section} step {parsed_step(step)[0]}.")
                continue
            key = f"{section} {steps!r} {outputs!r}"
            if steps and key not in self._done:
                self._done[key] = yield from work_of(run_steps)(steps, outputs, self.say)
            outputs = self._done.get(key, outputs)
        return outputs


def _check_named(name: str | None, entrypoint: str | None) -> tuple[str, str]:
    """Raises ConfigurationError where one of what every deployment needs is missing."""
    if not name:
        raise ConfigurationError(f"The deployment of {entrypoint or 'no flow'} has no name.")
    if not entrypoint:
        raise ConfigurationError(f"The deployment {name} has no entrypoint, such as flows.py:my_flow.")
    return name, entrypoint


def _own_names(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step as it is kept: by the name that it has here."""
    name, arguments = parsed_step(step)
    return {name: arguments}


def _check_pull(steps: list[dict[str, Any]], outputs: Mapping[str, Any], dry_run: bool) -> None:
    """Raises TemplateError where a pull step names what no step before it could give."""
    known: dict[str, Any] = dict(outputs)
    for number, step in enumerate(steps):
        for name in names_in(step):
            # A name without more may be any key of what a step before gives.
            possible = name.key in known or (number > 0 and not name.path) or dry_run
            if name.source is Source.OUTPUT and not possible:
                raise unknown_output(name, known)
        ((_, arguments),) = step.items()
        if "id" in arguments:
            known[str(arguments["id"])] = None


def _entry_of(chosen: Chosen, values: dict[str, Any]) -> DeploymentEntry:
    try:
        return DeploymentEntry.model_validate(values)
    except ValidationError as error:
        if chosen.file is not None:
            raise ProjectFileError(chosen.file.place_of(chosen.place, error)) from None
        found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigurationError(f"The deployment {chosen.name!r} cannot be: {found}.") from None


def _path_of(deployment: RunnerDeployment, pool: Any) -> str | None:
    """The folder of the code: none where pull steps bring it, the project's for workers on this machine, that of an
    image else. Raises ConfigurationError where workers could not have it."""
    if deployment.pull_steps:
        return None
    if pool.type == _PROCESS:
        return str(Path.cwd())
    if "image" in deployment.job_variables:
        return f"{CODE_FOLDER}/{Path.cwd().name}"
    raise ConfigurationError(
        f"The workers of the pool {pool.name!r} (type {pool.type!r}) could not have the code of "
        f"{deployment.full_name!r}. Say how it comes to them by `pull`, such as a git_clone step, or build an image "
        "and name it in `work_pool.job_variables.image`."
    )

"""Runs the steps of deployments: what brings their code, builds it or pushes it.

A step is a dict with one key, the name of a function, and under it its arguments:
`{"antiphon.deployments.steps.git_clone": {"repository": ..., "id": "clone"}}`. Beside arguments there may be `id`, a
name by which later steps get what it gives, and `requires`, packages that are installed where they are missing.
"""

import importlib
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from antiphon.close_names import meant
from antiphon.deployments.template_values import resolved
from antiphon.engine.dual import Work, ask, awaitable, dual, work_of
from antiphon.engine.effects import Call, Outcome
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import StepExecutionError, TemplateError

__all__ = ["arun_step", "arun_steps", "run_step", "run_steps"]

#: Modules that Prefect keeps these steps in -> ours. Others have none here.
_MODULES = {
    "prefect.deployments.steps": "antiphon.deployments.steps",
    "prefect_docker.deployments.steps": "antiphon.deployments.steps",
    "prefect.projects.steps": "antiphon.deployments.steps",
}
_STEPS = "antiphon.deployments.steps"


@dual
def run_step(step: Mapping[str, Any], upstream_outputs: Mapping[str, Any] | None = None) -> Work[dict[str, Any]]:
    """Do one step and return what it gives. `upstream_outputs` are what templates in it may name.

    In async code this gives a coroutine. Raises StepExecutionError where it is no step or fails, TemplateError.
    """
    name, arguments = parsed_step(step)
    function = yield from ask(partial(_function_for, name, _requirements_of(name, arguments)))
    given = {key: value for key, value in arguments.items() if key not in ("id", "requires")}
    try:
        given = yield from resolved(given, upstream_outputs or {})
    except TemplateError as error:
        raise TemplateError(f"In the step {_short(name)}: {error}") from error
    _check_arguments(name, function, given)
    outcome: Outcome = yield Call(function, (), given, RunScope())
    if inspect.isawaitable(outcome.value):
        outcome = yield Call(_awaited, (outcome.value,), {}, RunScope())
    return _output_of(name, outcome)


@dual
def run_steps(
    steps: Iterable[Mapping[str, Any]],
    upstream_outputs: Mapping[str, Any] | None = None,
    print_function: Callable[[str], Any] = print,
) -> Work[dict[str, Any]]:
    """Do steps one after the other and return all that they give.

    What a step with an `id` gives stands under that, and what any step gives also under its own keys, those of later
    steps before those of earlier ones; `upstream_outputs` stand beside them. Raises as `run_step`.
    """
    outputs = dict(upstream_outputs or {})
    for step in steps:
        name, arguments = parsed_step(step)
        print_function(f" > Running {_short(name)} step...")
        given = yield from work_of(run_step)(step, outputs)
        if "id" in arguments:
            outputs[str(arguments["id"])] = given
        outputs.update(given)
    return outputs


arun_step = awaitable(run_step)
arun_steps = awaitable(run_steps)


def parsed_step(step: Any) -> tuple[str, dict[str, Any]]:
    """Return the full name of a step's function, and its arguments with `id` and `requires`.

    Prefect's names of steps that are here too are taken for ours. Raises StepExecutionError for what is no step.
    """
    if not isinstance(step, Mapping) or len(step) != 1:
        raise StepExecutionError(
            f"A step is one function's name with its arguments under it, such as `{_STEPS}.git_clone: "
            f"{{repository: ...}}`, and not {step!r}."
        )
    ((name, arguments),) = step.items()
    if arguments is None:
        arguments = {}
    if not isinstance(name, str) or not isinstance(arguments, Mapping):
        raise StepExecutionError(f"The arguments of the step {name!r} are names with values, not {arguments!r}.")
    return _our_name(name), dict(arguments)


def _our_name(name: str) -> str:
    module, _, function = name.rpartition(".")
    for theirs, ours in _MODULES.items():
        if module == theirs or module.startswith(f"{theirs}."):
            return f"{ours}.{function}"
    if name.partition(".")[0].startswith("prefect"):
        raise StepExecutionError(
            f"The step {name!r} is one of Prefect's that Antiphon does not have. It has "
            f"{', '.join(_names_of(importlib.import_module(_STEPS)))} in {_STEPS}; any function of yours is a step "
            "too, by its full name."
        )
    return name


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _function_for(name: str, requires: list[str]) -> Callable[..., Any]:
    """The function of a step, once what it requires is there."""
    missing = [each for each in requires if not _is_installed(each)]
    if missing:
        _install(name, missing)
    module_name, dot, own = name.rpartition(".")
    if not dot:
        raise StepExecutionError(f"{name!r} is no step: write the function's full name, such as {_STEPS}.{own}.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise StepExecutionError(
            f"The step {name!r} cannot be had: importing {module_name} raised {error!r}. Install the package that has "
            "it, or name it under `requires` beside the arguments."
        ) from error
    function = getattr(module, own, None)
    if not callable(function):
        known = _names_of(module)
        raise StepExecutionError(
            f"There is no step {own!r} in {module_name}{meant(own, known)}. It has {', '.join(known) or 'none'}."
        )
    found: Callable[..., Any] = function
    return found


def _names_of(module: Any) -> list[str]:
    return [each for each in getattr(module, "__all__", ()) if each.islower() and not each.startswith("run_step")]


def _requirements_of(name: str, arguments: Mapping[str, Any]) -> list[str]:
    given = arguments.get("requires") or []
    listed = [given] if isinstance(given, str) else list(given)
    for each in listed:
        try:
            Requirement(each)
        except (InvalidRequirement, TypeError) as error:
            raise StepExecutionError(
                f"{each!r} under `requires` of the step {_short(name)} is no package: {error}."
            ) from error
    return listed


def _is_installed(requirement: str) -> bool:
    wanted = Requirement(requirement)
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


def _install(name: str, packages: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepExecutionError(
            f"The step {_short(name)} requires {', '.join(packages)}, and that could not be installed. pip says: "
            f"{done.stderr.strip() or 'nothing'}"
        )
    importlib.invalidate_caches()


def _check_arguments(name: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:
        return  # one written in C says so itself
    try:
        signature.bind(**given)
    except TypeError as error:
        raise StepExecutionError(
            f"The step {_short(name)} cannot be called with {', '.join(given) or 'no arguments'}: {error}. It takes "
            f"{', '.join(map(str, signature.parameters.values())) or 'none'}."
        ) from error


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _output_of(name: str, outcome: Outcome) -> dict[str, Any]:
    error = outcome.error
    if isinstance(error, StepExecutionError):
        raise error
    if isinstance(error, Exception):
        raise StepExecutionError(f"The step {_short(name)} failed: {error or repr(error)}") from error
    if error is not None:
        raise error
    if outcome.value is None:
        return {}
    if not isinstance(outcome.value, Mapping):
        raise StepExecutionError(
            f"The step {_short(name)} gave {type(outcome.value).__name__}, and a step gives a dict, or None."
        )
    return dict(outcome.value)

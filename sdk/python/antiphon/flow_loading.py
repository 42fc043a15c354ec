"""Flows of files and modules, by the entrypoint that says where they are."""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any, NoReturn

from antiphon.entrypoint_source import SourceFunction
from antiphon.entrypoints import import_object
from antiphon.exceptions import MissingFlowError, ScriptError, UnspecifiedFlowError
from antiphon.flow_core import Flow, loaded_flow

__all__ = [
    "is_entrypoint_async",
    "load_flow_arguments_from_entrypoint",
    "load_flow_from_entrypoint",
    "load_function_and_convert_to_flow",
    "load_placeholder_flow",
    "safe_load_flow_from_entrypoint",
    "select_flow",
]

_logger = logging.getLogger("antiphon.flows")

#: Options that a placeholder can do without, since it never gets so far.
_NAMING = ("name", "version", "description", "retries", "retry_delay_seconds", "timeout_seconds", "log_prints")


def load_flow_from_entrypoint(entrypoint: str, use_placeholder_flow: bool = True) -> Flow[..., Any]:
    """Return the flow at an entrypoint, such as `flows.py:hello`; all code of its file runs.

    Where that raises, such as for a package that is not installed, a placeholder stands for the flow, which raises the
    same when it is called, unless `use_placeholder_flow` is False. Raises ScriptError then, and where the file is not
    there; MissingFlowError where it has no such flow; ValueError for what is no entrypoint.
    """
    try:
        return loaded_flow(import_object(entrypoint), entrypoint)
    except ScriptError as error:
        if not use_placeholder_flow or isinstance(error.user_exc, FileNotFoundError):
            raise
        try:
            placeholder = load_placeholder_flow(entrypoint, raises=error)
        except (ScriptError, MissingFlowError):
            # Not even its source can be read; why it did not run says more.
            raise error from None
        _logger.warning("%s A placeholder stands for the flow; calling it raises this.", error)
        return placeholder


def load_function_and_convert_to_flow(entrypoint: str) -> Flow[..., Any]:
    """Return the flow at an entrypoint, or the function there as a flow. Raises as `load_flow_from_entrypoint`,
    TypeError for what is no function."""
    found = import_object(entrypoint)
    return loaded_flow(found if isinstance(found, Flow) else Flow(found), entrypoint)


def safe_load_flow_from_entrypoint(entrypoint: str) -> Flow[..., Any] | None:
    """Return the flow at an entrypoint, or None where there is none that can be loaded. Raises ValueError for what is
    no entrypoint."""
    try:
        return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except (ScriptError, MissingFlowError) as error:
        _logger.debug("No flow from %s: %s", entrypoint, error)
        return None


def load_placeholder_flow(entrypoint: str, raises: Exception) -> Flow[..., Any]:
    """Return a flow with the name and the options that the source at an entrypoint says, which raises `raises` when it
    is called. No code there runs. Raises ScriptError and MissingFlowError where there is no such source."""
    source = SourceFunction(entrypoint)

    def placeholder(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise raises

    async def aplaceholder(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise raises

    function: Callable[..., Any] = aplaceholder if source.is_async else placeholder
    function.__name__ = source.name
    function.__qualname__ = source.entrypoint.name
    function.__doc__ = source.doc
    given = source.decorator_arguments("flow")
    return loaded_flow(Flow(function, **{name: given[name] for name in _NAMING if name in given}), entrypoint)


def load_flow_arguments_from_entrypoint(entrypoint: str, arguments: Collection[str] | None = None) -> dict[str, Any]:
    """Return the options of the decorator at an entrypoint as its source says them; no code there runs.

    Those that are not made of constants are left out. `arguments` says which are wanted; None means name, version,
    description, retries, retry_delay_seconds, timeout_seconds and log_prints. A name is always there, and a
    description where the function has a docstring. Raises as `load_placeholder_flow`.
    """
    source = SourceFunction(entrypoint)
    wanted = _NAMING if arguments is None else arguments
    implied = {"name": source.name.replace("_", "-"), "description": source.doc}
    found = implied | source.decorator_arguments("flow")
    return {name: found[name] for name in wanted if found.get(name) is not None}


def is_entrypoint_async(entrypoint: str) -> bool:
    """Whether the function at an entrypoint is an `async def`; no code there runs. Raises as
    `load_placeholder_flow`."""
    return SourceFunction(entrypoint).is_async


def select_flow(
    flows: Iterable[Flow[..., Any]], flow_name: str | None = None, from_message: str | None = None
) -> Flow[..., Any]:
    """Return the only flow there is, or that of the name.

    `from_message` says where they come from, as in "in flows.py". Raises MissingFlowError where there is none (of that
    name), UnspecifiedFlowError where there are many and no name.
    """
    by_name = {each.name: each for each in flows}
    where = f" {from_message}" if from_message else ""
    if not by_name:
        raise MissingFlowError(f"There is no flow{where}. A flow is a function with the decorator @flow.")
    names = ", ".join(map(repr, by_name))
    if flow_name is not None:
        if flow_name not in by_name:
            raise MissingFlowError(
                f"There is no flow {flow_name!r}{where}, but {names}. Flows are called as their `name` says, else as "
                "the function with hyphens for underscores."
            )
        return by_name[flow_name]
    if len(by_name) > 1:
        raise UnspecifiedFlowError(f"There are {len(by_name)} flows{where}: {names}. Say which one by its name.")
    return next(iter(by_name.values()))

"""What a task run takes along into another process, as bytes."""

import pickle
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it ships no types

from antiphon.context import FlowRunContext, TaskRunContext, current_tags
from antiphon.engine.task_life import TaskCall
from antiphon.exceptions import SerializationError
from antiphon.runs import TaskRun
from antiphon.settings import Settings, get_current_settings
from antiphon.state_core import State
from antiphon.telemetry.tracing import traceparent

#: What a process has of its own in place of these.
_NOT_OF_FLOWS = frozenset(
    {
        *("flow", "flow_run", "task_runner", "session", "scope", "pauses", "process", "key_prefix"),
        *("dynamic_keys", "submitted", "reusable", "_tokens"),
    }
)
_NOT_OF_TASKS = frozenset({"task", "task_run", "scope", "parameters", "process", "_token"})


@dataclass(frozen=True, slots=True)
class Luggage:
    """One run's."""

    settings: Settings
    run: TaskRun
    #: The fields of its TaskRunContext that mean the same in any process.
    facts: Mapping[str, Any]
    #: Tags that stand around the call.
    tags: frozenset[str]
    task: bytes
    parameters: bytes
    #: The claim that the worker goes on with, and the state that the run must still be in then.
    fencing_token: int
    pending: State
    #: The span of who submitted it.
    traceparent: str


def pack_task(task: Any) -> bytes:
    """The task by value, so that a function of a script or a notebook can go anywhere; by its name where that fails,
    since what its module holds may be of this process only. Raises SerializationError."""
    try:
        return bytes(cloudpickle.dumps(task))
    except Exception as error:
        place = _Named(task.__module__, task.__qualname__)
        if place.module != "__main__" and place.holds(task):
            return pickle.dumps(place)
        raise SerializationError(
            f"The task {task.name!r} cannot be sent to another process: pickling it failed with {_text(error)}. Its "
            "function, its hooks or what they refer to hold something of this process only, such as a lock, a file or "
            "a connection. Make that inside the function, or run the task in a ThreadPoolTaskRunner."
        ) from error


@dataclass(frozen=True, slots=True)
class _Named:
    """Stands for an object that a module has."""

    module: str
    qualname: str

    def holds(self, value: Any) -> bool:
        try:
            return self.find() is value
        except (ImportError, AttributeError):
            return False

    def find(self) -> Any:
        return getattr(import_module(self.module), self.qualname)


def pack_parameters(parameters: Mapping[str, Any]) -> bytes:
    """Raises SerializationError that names the parameter."""
    try:
        return bytes(cloudpickle.dumps(dict(parameters)))
    except Exception as error:
        name, cause = _culprit(parameters, error)
        raise SerializationError(
            f"The parameter {name} cannot be sent to another process: pickling it failed with {_text(cause)}. Pass "
            "something that can be pickled, such as a path or an address to open inside the task, or run the task in a "
            "ThreadPoolTaskRunner."
        ) from error


def _culprit(parameters: Mapping[str, Any], error: Exception) -> tuple[str, Exception]:
    for name, value in parameters.items():
        try:
            cloudpickle.dumps(value)
        except Exception as cause:  # noqa: BLE001 - whatever pickling somebody's object raises
            return f"{name!r} ({type(value).__qualname__})", cause
    return f"one of {', '.join(parameters)}", error


def pack_call(call: TaskCall, task: bytes, parameters: bytes, fencing_token: int, pending: State) -> bytes:
    """All of it, with what the other side must know before it may look inside."""
    luggage = Luggage(
        settings=get_current_settings(),
        run=call.run,
        facts=_facts(call.context, _NOT_OF_TASKS),
        tags=current_tags(),
        task=task,
        parameters=parameters,
        fencing_token=fencing_token,
        pending=pending,
        traceparent=traceparent(),
    )
    return pickle.dumps((_this_python(), platform.node(), bytes(cloudpickle.dumps(luggage))))


def pack_flow(context: FlowRunContext) -> bytes:
    """The facts of the flow run around. Parameters that only this process can hold stay behind."""
    facts = _facts(context, _NOT_OF_FLOWS)
    try:
        return bytes(cloudpickle.dumps(facts))
    except Exception:  # noqa: BLE001 - whatever pickling somebody's object raises
        facts["parameters"] = {name: value for name, value in context.parameters.items() if _can_travel(value)}
        return bytes(cloudpickle.dumps(facts))


def _can_travel(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever pickling somebody's object raises
        return False
    return True


def _facts(context: FlowRunContext | TaskRunContext, without: frozenset[str]) -> dict[str, Any]:
    return {each.name: getattr(context, each.name) for each in fields(context) if each.name not in without}


def unpack_call(packed: bytes) -> Luggage:
    """Raises SerializationError where this process cannot take the run."""
    python, host, inside = pickle.loads(packed)
    if python != _this_python():
        raise SerializationError(
            f"The task was sent by {python}, and this worker on {platform.node()} is {_this_python()}: what one "
            "pickles the other may not read. Install the same versions on both sides."
        )
    luggage: Luggage = _loaded(inside, "The call")
    if luggage.settings.api.url is None and host != platform.node():
        raise SerializationError(
            f"The task was sent by {host} with no ANTIPHON_API_URL, so its server is one that only that machine "
            f"reaches, and this worker runs on {platform.node()}. Start `antiphon server start` where both reach it "
            "and set ANTIPHON_API_URL."
        )
    return luggage


def unpack_task(packed: bytes) -> Any:
    """Raises SerializationError."""
    task = _loaded(packed, "The task")
    try:
        return task.find() if isinstance(task, _Named) else task
    except Exception as error:
        raise _unreadable("The task", error) from error


def unpack_parameters(packed: bytes) -> dict[str, Any]:
    """Raises SerializationError."""
    return dict(_loaded(packed, "The parameters of the task"))


def unpack_flow(packed: bytes) -> dict[str, Any]:
    """Raises SerializationError."""
    return dict(_loaded(packed, "The parameters of the flow"))


def _loaded(packed: bytes, what: str) -> Any:
    try:
        return pickle.loads(packed)
    except Exception as error:
        raise _unreadable(what, error) from error


def _unreadable(what: str, error: Exception) -> SerializationError:
    return SerializationError(
        f"{what} cannot be read on the worker {platform.node()}: {_text(error)}. It needs the modules of the process "
        "that submitted it: install them there, or put their folder on its PYTHONPATH."
    )


def _this_python() -> str:
    return f"Python {sys.version_info.major}.{sys.version_info.minor}"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

"""Runs that a call builds on, as who submits it says, beyond the futures and states among its arguments."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from antiphon.engine.run_task import MAX_SHOWN_UPSTREAM
from antiphon.engine.task_life import TaskCall
from antiphon.v1.task_run_pb2 import TaskRun


def note_dependencies(call: TaskCall, dependencies: Mapping[str, Iterable[Any]]) -> None:
    """Tell the server of them with the run. Raises TypeError for what names no run."""
    ids = [_task_run_id(each, name) for name, runs in dependencies.items() for each in runs]
    for body in call.opening:
        if isinstance(body, TaskRun):
            known = set(body.upstream_task_run_ids)
            new = [each for each in dict.fromkeys(ids) if each and each not in known]
            body.upstream_task_run_ids.extend(new[: MAX_SHOWN_UPSTREAM - len(known)])


def _task_run_id(run: Any, name: str) -> str:
    """Empty for what is no task run: a parameter of the flow, a constant, a flow run."""
    if getattr(run, "input_type", "task_run") != "task_run":
        return ""
    id = getattr(run, "task_run_id", None) or getattr(run, "id", run)
    try:
        return str(id if isinstance(id, UUID) else UUID(id))
    except (ValueError, TypeError, AttributeError):
        raise TypeError(f"dependencies[{name!r}] holds {run!r}; give task runs, their futures, or their ids.") from None

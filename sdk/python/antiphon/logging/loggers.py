"""Loggers for runs: standard loggers whose records know the run that they belong to."""

import logging
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import MissingContextError

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

ROOT_NAME: Final = "antiphon"
FLOW_RUN_LOGGER: Final = "antiphon.flow_runs"
TASK_RUN_LOGGER: Final = "antiphon.task_runs"

_disabled_lock = threading.Lock()
_disabled_count = 0
_silent = logging.Logger("antiphon.disabled")
_silent.disabled = True


class RunLogger(_Adapter):
    """A logger that marks each record with its run. `extra` given in a call is kept, also where it says otherwise."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        given = kwargs.get("extra")
        kwargs["extra"] = {**(self.extra or {}), **given} if given else self.extra
        return msg, kwargs

    def getChild(self, suffix: str) -> "RunLogger":
        """Return a logger of the same run with a name below this one's."""
        return RunLogger(self.logger.getChild(suffix), self.extra)


def get_logger(name: str | None = None) -> logging.Logger:
    """Return the logger `antiphon`, or one below it."""
    if name is None or name == ROOT_NAME:
        return logging.getLogger(ROOT_NAME)
    return logging.getLogger(name if name.startswith(f"{ROOT_NAME}.") else f"{ROOT_NAME}.{name}")


def get_run_logger(context: FlowRunContext | TaskRunContext | None = None, **extra: Any) -> RunLogger:
    """Return the logger of a run; without a context, that of the run in progress. `extra` is added to its records.

    Raises MissingContextError outside of any run, unless `disable_run_logger()` is in force.
    """
    run = context or TaskRunContext.get() or FlowRunContext.get()
    if _disabled_count:
        return RunLogger(_silent, extra)
    if run is not None:
        return run_logger(run, **extra)
    raise MissingContextError(
        "There is no flow run or task run in progress here, so there is no run to log to. Use logging.getLogger() for "
        "code that also runs on its own, or wrap a call in disable_run_logger() to test a flow's or task's function."
    )


def run_logger(run: FlowRunContext | TaskRunContext, **extra: Any) -> RunLogger:
    """Return the logger of a run, also where `disable_run_logger()` is in force."""
    return task_run_logger(run, **extra) if isinstance(run, TaskRunContext) else flow_run_logger(run, **extra)


def flow_run_logger(run: FlowRunContext, **extra: Any) -> RunLogger:
    """Return the logger of a flow run."""
    facts = {"flow_run_id": run.flow_run_id, "flow_run_name": run.flow_run_name, "flow_name": run.flow_name}
    return RunLogger(logging.getLogger(FLOW_RUN_LOGGER), {**facts, **extra})


def task_run_logger(run: TaskRunContext, **extra: Any) -> RunLogger:
    """Return the logger of a task run."""
    facts = {
        "task_run_id": run.task_run_id,
        "task_run_name": run.task_run_name,
        "task_name": getattr(run.task, "name", ""),
        "flow_run_id": run.flow_run_id,
    }
    flow_run = FlowRunContext.get()
    if flow_run is not None and flow_run.flow_run_id == run.flow_run_id:
        facts |= {"flow_run_name": flow_run.flow_run_name, "flow_name": flow_run.flow_name}
    return RunLogger(logging.getLogger(TASK_RUN_LOGGER), {**facts, **extra})


@contextmanager
def disable_run_logger() -> Iterator[None]:
    """Inside the `with` block `get_run_logger()` works anywhere and gives a logger that writes nothing.

    For the whole process, so that threads of the code under test have it too.
    """
    global _disabled_count
    with _disabled_lock:
        _disabled_count += 1
    try:
        yield
    finally:
        with _disabled_lock:
            _disabled_count -= 1

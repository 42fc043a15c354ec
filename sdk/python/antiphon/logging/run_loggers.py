"""Loggers for runs: standard loggers whose records know the run that they belong to."""

import logging
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import MissingContextError
from antiphon.telemetry.tracing import current_ids

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

ROOT_NAME: Final = "antiphon"
FLOW_RUN_LOGGER: Final = "antiphon.flow_runs"
TASK_RUN_LOGGER: Final = "antiphon.task_runs"
_UNKNOWN: Final = "<unknown>"

_disabled_lock = threading.Lock()
_disabled_count = 0
_silent = logging.Logger("antiphon.disabled")
_silent.disabled = True


class AntiphonLogAdapter(_Adapter):
    """A logger that marks each record with its run and, in a trace, with `trace_id` and `span_id`. `extra` given in a
    call is kept, also where it says otherwise."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        given = kwargs.get("extra")
        if ids := current_ids():
            given = {**ids, **(given or {})}
        kwargs["extra"] = {**(self.extra or {}), **given} if given else self.extra
        return msg, kwargs

    def getChild(self, suffix: str, extra: dict[str, Any] | None = None) -> "AntiphonLogAdapter":
        """Return a logger of the same run with a name below this one's; `extra` is added to its records."""
        return AntiphonLogAdapter(self.logger.getChild(suffix), {**(self.extra or {}), **(extra or {})})


def get_logger(name: str | None = None) -> logging.Logger:
    """Return the logger `antiphon`, or one below it."""
    if name is None or name == ROOT_NAME:
        return logging.getLogger(ROOT_NAME)
    return logging.getLogger(name if name.startswith(f"{ROOT_NAME}.") else f"{ROOT_NAME}.{name}")


def get_run_logger(context: FlowRunContext | TaskRunContext | None = None, **kwargs: Any) -> AntiphonLogAdapter:
    """Return the logger of a run; without a context, that of the run in progress. `kwargs` are added to its records.

    Raises MissingContextError outside of any run, unless `disable_run_logger()` is in force. A thread that user code
    starts is outside, unless it is given `antiphon.context.with_context(function)`.
    """
    run = context or TaskRunContext.get() or FlowRunContext.get()
    if _disabled_count:
        return AntiphonLogAdapter(_silent, kwargs)
    if run is not None:
        return run_logger(run, **kwargs)
    raise MissingContextError(
        "There is no flow run or task run in progress here, so there is no run to log to. Use logging.getLogger() for "
        "code that also runs on its own, or wrap a call in disable_run_logger() to test a flow's or task's function."
    )


def run_logger(run: FlowRunContext | TaskRunContext, **extra: Any) -> AntiphonLogAdapter:
    """Return the logger of a run, also where `disable_run_logger()` is in force."""
    return _of_task_run(run, extra) if isinstance(run, TaskRunContext) else _of_flow_run(run, extra)


def _of_flow_run(run: FlowRunContext, extra: dict[str, Any]) -> AntiphonLogAdapter:
    facts = {"flow_run_id": run.flow_run_id, "flow_run_name": run.flow_run_name, "flow_name": run.flow_name}
    return AntiphonLogAdapter(logging.getLogger(FLOW_RUN_LOGGER), {**facts, **extra})


def _of_task_run(run: TaskRunContext, extra: dict[str, Any]) -> AntiphonLogAdapter:
    facts = {
        "task_run_id": run.task_run_id,
        "task_run_name": run.task_run_name,
        "task_name": getattr(run.task, "name", ""),
        "flow_run_id": run.flow_run_id,
    }
    flow_run = FlowRunContext.get()
    if flow_run is not None and flow_run.flow_run_id == run.flow_run_id:
        facts |= {"flow_run_name": flow_run.flow_run_name, "flow_name": flow_run.flow_name}
    return AntiphonLogAdapter(logging.getLogger(TASK_RUN_LOGGER), {**facts, **extra})


def flow_run_logger(
    flow_run: Any = None, flow: Any = None, flow_run_id: Any = None, **kwargs: Any
) -> AntiphonLogAdapter:
    """Return a logger of a flow run that need not be in progress here, such as one that a client has read.

    `flow_run` has `id` and `name`, `flow` has `name`; `flow_run_id` alone will do. `kwargs` are added to its records.
    Raises ValueError where neither a run nor an id is given.
    """
    id = flow_run_id if flow_run is None else flow_run.id
    if id is None:
        raise ValueError("A flow run's logger needs the run, or its id: flow_run_logger(flow_run_id=...).")
    facts = {"flow_run_id": str(id), "flow_run_name": _name(flow_run), "flow_name": _name(flow)}
    return AntiphonLogAdapter(logging.getLogger(FLOW_RUN_LOGGER), {**facts, **kwargs})


def task_run_logger(
    task_run: Any, task: Any = None, flow_run: Any = None, flow: Any = None, **kwargs: Any
) -> AntiphonLogAdapter:
    """Return a logger of a task run that need not be in progress here. Each thing has a `name`, runs an `id`."""
    flow_run_id = flow_run.id if flow_run is not None else getattr(task_run, "flow_run_id", None)
    facts = {
        "task_run_id": str(task_run.id),
        "task_run_name": _name(task_run),
        "task_name": _name(task),
        "flow_run_id": str(flow_run_id) if flow_run_id else None,
        "flow_run_name": _name(flow_run),
        "flow_name": _name(flow),
    }
    return AntiphonLogAdapter(logging.getLogger(TASK_RUN_LOGGER), {**facts, **kwargs})


def _name(thing: Any) -> str:
    return getattr(thing, "name", None) or _UNKNOWN


def get_worker_logger(worker: Any, name: str | None = None) -> logging.Logger | AntiphonLogAdapter:
    """Return the logger of a worker, named after its `type` and `name` unless `name` is given; where it has an `id`
    that the server gave it, its records carry that as `worker_id`."""
    logger = get_logger(name or f"workers.{getattr(worker, 'type', 'worker')}.{str(worker.name).lower()}")
    worker_id = getattr(worker, "id", None)
    return logger if worker_id is None else AntiphonLogAdapter(logger, {"worker_id": str(worker_id)})


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


@contextmanager
def disable_logger(name: str) -> Iterator[logging.Logger]:
    """Inside the `with` block the logger of that name writes nothing; yields it. As it was before, afterwards."""
    logger = logging.getLogger(name)
    before = logger.disabled
    logger.disabled = True
    try:
        yield logger
    finally:
        logger.disabled = before

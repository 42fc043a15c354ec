"""Records of runs on their way to the server."""

import logging
import math
import threading
import warnings
from collections.abc import Callable
from typing import Final

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import MissingContextError
from antiphon.ids import new_id
from antiphon.logging.console import AntiphonConsoleHandler
from antiphon.settings import get_current_settings
from antiphon.text_limits import clip_bytes, clip_characters, encodable
from antiphon.v1.log_pb2 import Log

__all__ = ["APILogHandler", "AntiphonConsoleHandler", "LogSink", "set_log_sink"]

#: Limits of the contract.
MAX_LOGGER_LENGTH: Final = 500
MAX_LEVEL: Final = 100

LogSink = Callable[[Log], None]

_sink: LogSink | None = None


def set_log_sink(sink: LogSink | None) -> LogSink | None:
    """Say what takes the logs of runs from now on; None drops them. Returns what took them before.

    The sink is called in the thread that logs, from several at once, and must not block.
    """
    global _sink
    before, _sink = _sink, sink
    return before


class APILogHandler(logging.Handler):
    """Hands records that belong to a run to the sink. What goes wrong never reaches the code that logged; it is
    reported as the standard handlers do (`logging.raiseExceptions`).

    What happens to a record of no run is for the setting `logging.to_api.when_missing_flow` to say. A record with
    `extra={"send_to_api": False}` is not sent.
    """

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._busy = threading.local()

    def handle(self, record: logging.LogRecord) -> bool:
        """As in the base class, but without its lock: sinks are safe to call from several threads, and one that waits
        for a lock of its own must not meet a thread that holds it and logs."""
        kept = self.filter(record)
        if kept:
            # From Python 3.12 on, a filter may put another record in its place.
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        sink = _sink
        # A sink that logs to one of our loggers would never come to an end.
        if sink is None or getattr(self._busy, "now", False) or not getattr(record, "send_to_api", True):
            return
        try:
            self._busy.now = True
            settings = get_current_settings().logging.to_api
            if not settings.enabled:
                return
            log = self.make_log(record, settings.max_log_size)
            if log is not None:
                sink(log)
            elif settings.when_missing_flow != "ignore":
                _miss_run(record, settings.when_missing_flow)
        except MissingContextError:
            raise
        except Exception:  # noqa: BLE001 - whatever a record or sink does, the code that logs must go on
            self.handleError(record)
        finally:
            self._busy.now = False

    def make_log(self, record: logging.LogRecord, max_bytes: int = 1_000_000) -> Log | None:
        """Return the record as the contract has it, with the traceback in the text, which is cut at `max_bytes`; None
        if it belongs to no run."""
        flow_run_id, task_run_id = _runs_of(record)
        if not flow_run_id and not task_run_id:
            return None
        log = Log(
            id=new_id(),
            logger=clip_characters(encodable(record.name or "root"), MAX_LOGGER_LENGTH),
            level=min(max(record.levelno, 0), MAX_LEVEL),
            message=clip_bytes(self.format(record), max_bytes),
            flow_run_id=flow_run_id,
            task_run_id=task_run_id,
        )
        fraction, seconds = math.modf(record.created)
        log.create_time.seconds = int(seconds)
        log.create_time.nanos = int(fraction * 1_000_000) * 1_000
        return log


def _miss_run(record: logging.LogRecord, then: str) -> None:
    message = (
        f"The logger {record.name!r} was to send a record to the server outside of any run, which is not sent:"
        " a record of the server's belongs to a run. Log inside a flow or task, give the record"
        " extra={'flow_run_id': ...} or extra={'send_to_api': False}, or set"
        " ANTIPHON_LOGGING_TO_API_WHEN_MISSING_FLOW=ignore."
    )
    if then == "error":
        raise MissingContextError(message)
    warnings.warn_explicit(message, UserWarning, record.pathname, record.lineno)


def _runs_of(record: logging.LogRecord) -> tuple[str, str]:
    """Return the ids that the record carries, or those of the run that the calling code is part of."""
    flow_run_id = getattr(record, "flow_run_id", None)
    task_run_id = getattr(record, "task_run_id", None)
    if flow_run_id or task_run_id:
        return flow_run_id or "", task_run_id or ""
    task_run, flow_run = TaskRunContext.get(), FlowRunContext.get()
    if task_run is not None:
        return task_run.flow_run_id or "", task_run.task_run_id
    return (flow_run.flow_run_id if flow_run is not None else ""), ""

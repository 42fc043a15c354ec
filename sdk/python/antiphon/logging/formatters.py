"""How a record looks as a line."""

import json
import logging
import time
from functools import lru_cache
from typing import Any, Final, Literal

__all__ = ["AntiphonFormatter", "JsonFormatter"]

_DEFAULT: Final = "%(clock)s | %(levelname)-7s | %(origin)s - %(message)s"


class AntiphonFormatter(logging.Formatter):
    """`HH:MM:SS.mmm | LEVEL   | Flow run 'name' - message`; the logger's name where a record belongs to no run.

    A format may use what the standard library's records have, `clock`, `origin` (the run or the logger), and in those
    for runs `flow_run_name`, `flow_name`, `task_run_name` and `task_name`, in a trace `trace_id` and `span_id`. The
    formats for runs are `format` where they are not given.
    """

    def __init__(
        self,
        format: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: dict[str, Any] | None = None,
        task_run_fmt: str | None = None,
        flow_run_fmt: str | None = None,
    ) -> None:
        names = ("task_run_name", "task_name", "flow_run_name", "flow_name", "trace_id", "span_id")
        wide = {**dict.fromkeys(names, ""), **(defaults or {})}
        # Without a format of their own, ours are in the % style, whatever that of the others is.
        super().__init__(format or _DEFAULT, datefmt, style if format else "%", validate, defaults=wide)
        self._of_runs = {
            kind: logging.Formatter(text, datefmt, style, validate, defaults=wide)
            for kind, text in (("task", task_run_fmt), ("flow", flow_run_fmt))
            if text
        }

    def formatMessage(self, record: logging.LogRecord) -> str:
        """A record's line without its traceback. Called by the standard library."""
        record.clock = f"{_clock(int(record.created))}.{int(record.msecs):03d}"
        kind, record.origin = _origin(record)
        formatter = self._of_runs.get(kind)
        if formatter is None:
            return super().formatMessage(record)
        if formatter.usesTime():
            record.asctime = formatter.formatTime(record, formatter.datefmt)
        return formatter.formatMessage(record)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: all that it carries, with its `message`, and its traceback as `exc_text`.

    For programs that read logs. The format `"pretty"` gives it several indented lines; any other is one line.
    """

    def __init__(
        self, fmt: str | None = None, dmft: str | None = None, style: str = "%", validate: bool = True
    ) -> None:
        """As `logging.config` calls it; `dmft`, `style` and `validate` have no effect."""
        super().__init__()
        self._indent = 2 if fmt == "pretty" else None

    def format(self, record: logging.LogRecord) -> str:
        said = {name: value for name, value in vars(record).items() if name not in ("msg", "args", "exc_info")}
        said["message"] = record.getMessage()
        if record.exc_info and not record.exc_text:
            said["exc_text"] = self.formatException(record.exc_info)
        # Anything may hang on a record; what JSON cannot say is shown.
        return json.dumps(said, indent=self._indent, default=repr)


@lru_cache(1)
def _clock(second: int) -> str:
    """A second by this machine's clock; records come many to a second."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def _origin(record: logging.LogRecord) -> tuple[str, str]:
    for kind in ("task", "flow"):
        name = getattr(record, f"{kind}_run_name", None)
        if name:
            return kind, f"{kind.capitalize()} run {name!r}"
    return "", record.name

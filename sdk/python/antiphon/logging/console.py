"""Records of runs and of the SDK itself on the terminal."""

import logging
import sys
import threading
import time
from typing import TextIO

from antiphon.logging.handlers import RunLogHandler
from antiphon.logging.loggers import FLOW_RUN_LOGGER, ROOT_NAME, TASK_RUN_LOGGER
from antiphon.settings import Settings, get_current_settings

_lock = threading.Lock()
#: Handlers of this module, so that setting up twice adds nothing and takes nothing of others away.
_attached: dict[str, logging.Handler] = {}
_set_up_for: Settings | None = None


class ConsoleFormatter(logging.Formatter):
    """`HH:MM:SS.mmm | LEVEL   | Flow run 'name' - message`; the logger's name where a record belongs to no run."""

    def __init__(self) -> None:
        super().__init__("%(clock)s | %(levelname)-7s | %(origin)s - %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.clock = f"{time.strftime('%H:%M:%S', time.localtime(record.created))}.{int(record.msecs):03d}"
        record.origin = _origin(record)
        return super().formatMessage(record)


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment, as it may be replaced after this handler was made."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(ConsoleFormatter())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute in the base class
        return sys.stderr


def setup_logging() -> None:
    """Attach our handlers: the terminal's to `antiphon`, the server's to runs' loggers and to the extra loggers.

    May be called before every run: it does something only where settings have changed since, so that what a person
    does to our loggers stays. The root logger is left alone, and records do not go on to it: its handlers would write
    them a second time.
    """
    global _set_up_for
    settings = get_current_settings()
    if settings is _set_up_for:
        return
    level = logging.getLevelNamesMapping()[settings.logging.level]
    wanted: dict[str, type[logging.Handler]] = {}
    if settings.logging.to_api.enabled:
        wanted |= dict.fromkeys((FLOW_RUN_LOGGER, TASK_RUN_LOGGER, *settings.logging.extra_loggers), RunLogHandler)
    # Last, since somebody may name our own logger as an extra one.
    wanted[ROOT_NAME] = ConsoleHandler
    with _lock:
        top = logging.getLogger(ROOT_NAME)
        top.setLevel(level)
        top.propagate = False
        for name in _attached.keys() - wanted.keys():
            logging.getLogger(name).removeHandler(_attached.pop(name))
        for name, make in wanted.items():
            _attach(name, make)
        for name in settings.logging.extra_loggers:
            extra = logging.getLogger(name)
            if extra.level == logging.NOTSET:
                extra.setLevel(level)
        _set_up_for = settings


def _attach(name: str, make: type[logging.Handler]) -> None:
    if name not in _attached:
        _attached[name] = make()
    # Does nothing where it is there already.
    logging.getLogger(name).addHandler(_attached[name])


def _origin(record: logging.LogRecord) -> str:
    for kind in ("task", "flow"):
        name = getattr(record, f"{kind}_run_name", None)
        if name:
            return f"{kind.capitalize()} run {name!r}"
    return record.name

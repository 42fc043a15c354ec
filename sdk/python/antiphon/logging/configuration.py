"""Which handlers the loggers have: those that the settings ask for, or what a file of the user's says."""

import logging
import threading
from pathlib import Path
from typing import Any

from antiphon.logging.config_file import apply, undo
from antiphon.logging.console import AntiphonConsoleHandler
from antiphon.logging.handlers import APILogHandler
from antiphon.logging.run_loggers import FLOW_RUN_LOGGER, ROOT_NAME, TASK_RUN_LOGGER
from antiphon.settings import Settings, get_current_settings

#: What replaces our set-up where it is in the home and no other file is named.
DEFAULT_FILE = "logging.yml"

_lock = threading.Lock()
#: Handlers of this module, so that setting up twice adds nothing and takes nothing of others away.
_attached: dict[str, logging.Handler] = {}
_set_up_for: Settings | None = None
#: The configuration of a file that is in force.
_file_config: dict[str, Any] | None = None


def setup_logging() -> None:
    """Attach our handlers: the terminal's to `antiphon`, the server's to runs' loggers and to the extra loggers. A file
    named by `logging.config_path`, or `<home>/logging.yml`, takes the place of that, but for the extra loggers.

    May be called before every run: it does something only where settings have changed since, so that what a person
    does to our loggers stays. The root logger is left alone, and records do not go on to it: its handlers would write
    them a second time. Raises SettingError where the file cannot be used.
    """
    global _set_up_for
    settings = get_current_settings()
    if settings is _set_up_for:
        return
    with _lock:
        same = _set_up_for is not None and _concern(settings) == _concern(_set_up_for)
        _set_up_for = None  # should it fail half-way
        if not same:
            _set_up(settings)
        _set_up_for = settings


def _concern(settings: Settings) -> tuple[object, ...]:
    return settings.logging, settings.home


def _set_up(settings: Settings) -> None:
    global _file_config
    if _file_config is not None:
        undo(_file_config)
        _file_config = None
    level = logging.getLevelNamesMapping()[settings.logging.level]
    path = _file(settings)
    wanted: dict[str, type[logging.Handler]] = {}
    if path is not None:
        _attach_all({})
        _file_config = apply(path, settings)
    else:
        top = logging.getLogger(ROOT_NAME)
        top.setLevel(level)
        top.propagate = False
        wanted[ROOT_NAME] = AntiphonConsoleHandler
    if settings.logging.to_api.enabled:
        runs = () if path is not None else (FLOW_RUN_LOGGER, TASK_RUN_LOGGER)
        # Somebody may name our own logger as an extra one.
        wanted = dict.fromkeys((*runs, *settings.logging.extra_loggers), APILogHandler) | wanted
    _attach_all(wanted)
    for name in settings.logging.extra_loggers:
        extra = logging.getLogger(name)
        if extra.level == logging.NOTSET:
            extra.setLevel(level)


def _file(settings: Settings) -> Path | None:
    if settings.logging.config_path is not None:
        return settings.logging.config_path
    default = settings.home / DEFAULT_FILE
    return default if default.is_file() else None


def _attach_all(wanted: dict[str, type[logging.Handler]]) -> None:
    for name in _attached.keys() - wanted.keys():
        logging.getLogger(name).removeHandler(_attached.pop(name))
    for name, make in wanted.items():
        if name not in _attached:
            _attached[name] = make()
        # Does nothing where it is there already.
        logging.getLogger(name).addHandler(_attached[name])

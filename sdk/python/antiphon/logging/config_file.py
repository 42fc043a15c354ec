"""Logging as a file says it: what `logging.config.dictConfig` takes, in YAML, JSON or TOML."""

import importlib
import json
import logging
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from antiphon.exceptions import SettingError
from antiphon.settings import Settings
from antiphon.settings.kinds import text_of
from antiphon.settings.rows import SETTINGS

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def apply(path: Path, settings: Settings) -> dict[str, Any]:
    """Configure logging by the file and return what it says. `${ANTIPHON_LOGGING_LEVEL}` and the like stand for the
    setting, else for the environment variable.

    Loggers that it does not name stay as they are, unless it says `disable_existing_loggers: true`. Raises SettingError
    where it cannot be read or used.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _unusable(path, error, "Mend it, or unset ANTIPHON_LOGGING_CONFIG_PATH") from error
    filled = _PLACEHOLDER.sub(lambda found: _value(found[1], settings, path), content)
    config = _parse(path, filled)
    if not isinstance(config, dict):
        raise _unusable(path, "it holds no table", "See `logging.config.dictConfig` of Python")
    configure = importlib.import_module("logging.config").dictConfig
    try:
        configure({"version": 1, "disable_existing_loggers": False, **config})
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        cause = error.__cause__ if error.__cause__ is not None else error
        raise _unusable(path, f"{error}: {cause}" if cause is not error else error, "Mend it") from error
    return config


def undo(config: dict[str, Any]) -> None:
    """Take away the handlers of the loggers that a configuration names, but for the root logger, and let them have the
    level of the one above them."""
    for name in config.get("loggers", {}):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


def _value(name: str, settings: Settings, path: Path) -> str:
    row = next((row for row in SETTINGS.values() if row.name == name), None)
    if row is not None:
        return text_of(row.read(settings))
    if name not in os.environ:
        raise _unusable(path, f"${{{name}}} is neither a setting nor an environment variable", "Set it")
    return os.environ[name]


def _parse(path: Path, content: str) -> Any:
    parsers: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}
    parse = parsers.get(path.suffix.lower(), _parse_yaml)
    try:
        return parse(content)
    except ValueError as error:
        raise _unusable(path, error, "Mend it") from error


def _parse_yaml(content: str) -> Any:
    yaml = importlib.import_module("yaml")
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _unusable(path: Path, cause: object, next_step: str) -> SettingError:
    return SettingError(f"Cannot set up logging by {path}: {cause}. {next_step}.")

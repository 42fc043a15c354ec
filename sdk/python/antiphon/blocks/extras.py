"""Packages that only some blocks need: loaded when one is used."""

import importlib
from typing import Any

from antiphon.exceptions import AntiphonException


class MissingExtraError(AntiphonException, ImportError):
    """A package is needed that is installed with an extra of Antiphon."""


def load(module: str, extra: str, what: str) -> Any:
    """Return a module. Raises MissingExtraError, which says how to install it for `what`."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs the package {module.partition('.')[0]} ({error}). Install it with: pip install "
            f"'antiphon[{extra}]'"
        ) from error

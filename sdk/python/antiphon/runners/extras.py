"""Libraries that only some installations have."""

import importlib
from typing import Any


def import_extra(module: str, extra: str) -> Any:
    """Return the module. Raises ImportError that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"The module {module!r} is needed for this and cannot be imported: {error}. Install it with "
            f"`pip install 'antiphon[{extra}]'`."
        ) from error

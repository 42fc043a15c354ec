"""The class that workers of a type are of."""

import importlib
from typing import Any

from antiphon.exceptions import AntiphonException


class WorkerNotLoaded(AntiphonException):
    """There are no workers of the type here, or packages that they need are missing."""


def worker_class_of(type_: str) -> Any:
    """The class. Raises WorkerNotLoaded."""
    # Loaded where it is needed: most commands have no use for workers.
    types: Any = importlib.import_module("antiphon.workers.worker_types")
    try:
        return types.load_worker_class(type_)
    except (ValueError, ImportError) as error:
        raise WorkerNotLoaded(str(error)) from error

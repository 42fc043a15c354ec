"""Workers: they take runs of deployments from work pools, and start what runs them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
    from antiphon.workers.process import ProcessWorker

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult", "ProcessWorker"]

_MODULES = {name: "antiphon.workers.base" for name in __all__} | {"ProcessWorker": "antiphon.workers.process"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)

"""Antiphon: flows and tasks are plain Python functions; a server decides what each run may do next, and remembers it.

Names are loaded at first use, so that `import antiphon` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.annotations import allow_failure, unmapped
    from antiphon.client import get_client
    from antiphon.context import tags
    from antiphon.deployments import deploy
    from antiphon.flow_runs import (
        apause_flow_run,
        aresume_flow_run,
        asuspend_flow_run,
        pause_flow_run,
        resume_flow_run,
        suspend_flow_run,
    )
    from antiphon.flow_serving import aserve, serve
    from antiphon.flows import Flow, flow
    from antiphon.logging.loggers import get_run_logger
    from antiphon.states import State
    from antiphon.tasks import Task, task
    from antiphon.transactions import Transaction

    __version__: str

__all__ = [
    "Flow",
    "State",
    "Task",
    "Transaction",
    "__version__",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "aserve",
    "asuspend_flow_run",
    "deploy",
    "flow",
    "get_client",
    "get_run_logger",
    "pause_flow_run",
    "resume_flow_run",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]

#: Public name -> the module that has it.
_MODULES = {
    "Flow": "antiphon.flows",
    "State": "antiphon.states",
    "Task": "antiphon.tasks",
    "Transaction": "antiphon.transactions",
    "allow_failure": "antiphon.annotations",
    "apause_flow_run": "antiphon.flow_runs",
    "aresume_flow_run": "antiphon.flow_runs",
    "aserve": "antiphon.flow_serving",
    "asuspend_flow_run": "antiphon.flow_runs",
    "deploy": "antiphon.deployments",
    "flow": "antiphon.flows",
    "get_client": "antiphon.client",
    "get_run_logger": "antiphon.logging",
    "pause_flow_run": "antiphon.flow_runs",
    "resume_flow_run": "antiphon.flow_runs",
    "serve": "antiphon.flow_serving",
    "suspend_flow_run": "antiphon.flow_runs",
    "tags": "antiphon.context",
    "task": "antiphon.tasks",
    "unmapped": "antiphon.annotations",
}
#: Modules that people reach as attributes, without importing them by name.
_SUBMODULES = frozenset(
    {
        "client",
        "artifacts",
        "context",
        "deployments",
        "exceptions",
        "flow_runs",
        "futures",
        "logging",
        "runtime",
        "schedules",
        "settings",
        "states",
        "task_runners",
        "types",
        "variables",
    }
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    elif name == "__version__":
        # Reading the installed metadata takes longer than everything else here.
        value = importlib.import_module("importlib.metadata").version("antiphon")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})

"""What the client takes and gives: objects, filters, sorts, actions and answers. Names are loaded at first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.client.schemas.objects import (
        FlowRun,
        FlowRunPolicy,
        FlowRunResult,
        State,
        StateDetails,
        StateType,
        TaskRun,
        TaskRunPolicy,
        TaskRunResult,
    )
    from antiphon.client.schemas.responses import (
        OrchestrationResult,
        SetStateStatus,
        StateAbortDetails,
        StateAcceptDetails,
        StateRejectDetails,
    )

__all__ = [
    "FlowRun",
    "FlowRunPolicy",
    "FlowRunResult",
    "OrchestrationResult",
    "SetStateStatus",
    "State",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateDetails",
    "StateRejectDetails",
    "StateType",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
]

_MODULES = frozenset({"actions", "filters", "objects", "responses", "sorting"})
_OF_RESPONSES = frozenset(
    {"OrchestrationResult", "SetStateStatus", "StateAbortDetails", "StateAcceptDetails", "StateRejectDetails"}
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        module = "responses" if name in _OF_RESPONSES else "objects"
        value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value

"""What runs flows of deployments from a program of one's own, and where their code comes from."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.runner.runner import Runner

__all__ = ["Runner"]


def __getattr__(name: str) -> Any:
    if name != "Runner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # At first use: whoever loads a flow from elsewhere loads this package, and needs no Runner.
    return importlib.import_module("antiphon.runner.runner").Runner

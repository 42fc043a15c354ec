"""The client of the server's services, as people get one. Names are loaded at first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.client.orchestration import AntiphonClient, SyncAntiphonClient, get_client

__all__ = ["AntiphonClient", "SyncAntiphonClient", "get_client"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        value = getattr(importlib.import_module(f"{__name__}.orchestration"), name)
    elif name in ("orchestration", "schemas"):
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value

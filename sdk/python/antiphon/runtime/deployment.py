"""Facts on the deployment that the flow run came from. A run that somebody called has none: all are None or empty.

`ANTIPHON__RUNTIME__DEPLOYMENT__NAME` and the like replace them in tests.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from antiphon.runtime import flow_run
from antiphon.runtime._facts import Reader, read_fact

__all__ = [
    "flow_run_id",
    "id",
    "name",
    "parameters",
    "version",
]


_FACTS: Mapping[str, tuple[type, Reader]] = {
    "id": (str, lambda: None),
    "name": (str, lambda: None),
    "version": (str, lambda: None),
    "flow_run_id": (str, lambda: flow_run.id),
    "parameters": (dict, dict),
}

if TYPE_CHECKING:
    id: str | None
    name: str | None
    version: str | None
    flow_run_id: str | None
    parameters: dict[str, Any]


def __getattr__(name: str) -> Any:
    return read_fact(__name__, "deployment", name, _FACTS)


def __dir__() -> list[str]:
    return sorted(_FACTS)

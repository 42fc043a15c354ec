"""Facts on the deployment that the flow run came from. For a run that somebody called they are None or empty.

`ANTIPHON__RUNTIME__DEPLOYMENT__NAME` and the like replace them in tests.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from antiphon.context import FlowRunContext
from antiphon.runtime import flow_run
from antiphon.runtime._facts import Reader, read_fact

__all__ = [
    "flow_run_id",
    "id",
    "name",
    "parameters",
    "version",
]


def _of_deployment(read: Callable[[Any], Any], otherwise: Callable[[], Any] = lambda: None) -> Reader:
    def reader() -> Any:
        run = FlowRunContext.get()
        return otherwise() if run is None or run.deployment is None else read(run.deployment)

    return reader


_FACTS: Mapping[str, tuple[type, Reader]] = {
    "id": (str, _of_deployment(lambda deployment: deployment.id)),
    "name": (str, _of_deployment(lambda deployment: deployment.name)),
    "version": (str, _of_deployment(lambda deployment: deployment.version)),
    "flow_run_id": (str, lambda: flow_run.id),
    "parameters": (dict, _of_deployment(lambda deployment: dict(deployment.parameters), dict)),
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

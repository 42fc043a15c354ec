"""Facts on the flow run that the calling code is part of; None or empty outside of any.

`ANTIPHON__RUNTIME__FLOW_RUN__NAME` and the like replace them in tests.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.runtime._facts import Reader, read_fact
from antiphon.settings import get_current_settings

__all__ = [
    "api_url",
    "flow_name",
    "flow_version",
    "id",
    "job_variables",
    "name",
    "parameters",
    "parent_deployment_id",
    "parent_flow_run_id",
    "root_flow_run_id",
    "run_count",
    "scheduled_start_time",
    "tags",
    "ui_url",
]


def _of_flow_run(read: Callable[[FlowRunContext], Any], otherwise: Callable[[], Any] = lambda: None) -> Reader:
    def reader() -> Any:
        context = FlowRunContext.get()
        return otherwise() if context is None else read(context)

    return reader


def _id() -> str | None:
    """The id is known to a task in another process too, where the flow run's other facts are not."""
    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    if flow_run is not None:
        return flow_run.flow_run_id
    return task_run.flow_run_id if task_run is not None else None


_FACTS: Mapping[str, tuple[type, Reader]] = {
    "id": (str, _id),
    "name": (str, _of_flow_run(lambda run: run.flow_run_name)),
    "flow_name": (str, _of_flow_run(lambda run: run.flow_name or None)),
    "flow_version": (str, _of_flow_run(lambda run: run.flow_version)),
    "parameters": (dict, _of_flow_run(lambda run: dict(run.parameters), dict)),
    "tags": (list, _of_flow_run(lambda run: sorted(run.tags), list)),
    "run_count": (int, _of_flow_run(lambda run: run.run_count, int)),
    "scheduled_start_time": (datetime, _of_flow_run(lambda run: run.expected_start_time or run.start_time)),
    "parent_flow_run_id": (str, _of_flow_run(lambda run: run.parent_flow_run_id)),
    "root_flow_run_id": (str, _of_flow_run(lambda run: run.root_flow_run_id or run.flow_run_id)),
    "parent_deployment_id": (str, lambda: None),
    "job_variables": (
        dict,
        _of_flow_run(lambda run: dict(run.deployment.job_variables) if run.deployment is not None else None),
    ),
    "api_url": (str, lambda: get_current_settings().api.url),
    "ui_url": (str, lambda: None),
}

if TYPE_CHECKING:
    id: str | None
    name: str | None
    flow_name: str | None
    flow_version: str | None
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int
    scheduled_start_time: datetime | None
    parent_flow_run_id: str | None
    root_flow_run_id: str | None
    #: None: there are no deployments yet.
    parent_deployment_id: str | None
    job_variables: dict[str, Any] | None
    #: The server in the settings; None where one started itself.
    api_url: str | None
    #: None: there is no web page yet.
    ui_url: str | None


def __getattr__(name: str) -> Any:
    return read_fact(__name__, "flow_run", name, _FACTS)


def __dir__() -> list[str]:
    return sorted(_FACTS)

"""Facts on the task run that the calling code is part of; None or empty outside of any.

`ANTIPHON__RUNTIME__TASK_RUN__NAME` and the like replace them in tests.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from antiphon.context import TaskRunContext
from antiphon.runtime._facts import Reader, read_fact
from antiphon.settings import get_current_settings

__all__ = [
    "api_url",
    "id",
    "name",
    "parameters",
    "run_count",
    "tags",
    "task_name",
    "ui_url",
]


def _of_task_run(read: Callable[[TaskRunContext], Any], otherwise: Callable[[], Any] = lambda: None) -> Reader:
    def reader() -> Any:
        context = TaskRunContext.get()
        return otherwise() if context is None else read(context)

    return reader


_FACTS: Mapping[str, tuple[type, Reader]] = {
    "id": (str, _of_task_run(lambda run: run.task_run_id)),
    "name": (str, _of_task_run(lambda run: run.task_run_name)),
    "task_name": (str, _of_task_run(lambda run: getattr(run.task, "name", None))),
    "parameters": (dict, _of_task_run(lambda run: dict(run.parameters), dict)),
    "tags": (list, _of_task_run(lambda run: sorted(run.tags), list)),
    "run_count": (int, _of_task_run(lambda run: run.run_count, int)),
    "api_url": (str, lambda: get_current_settings().api.url),
    "ui_url": (str, lambda: None),
}

if TYPE_CHECKING:
    id: str | None
    name: str | None
    task_name: str | None
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int
    #: The server in the settings; None where one started itself.
    api_url: str | None
    #: None: there is no web page yet.
    ui_url: str | None


def __getattr__(name: str) -> Any:
    return read_fact(__name__, "task_run", name, _FACTS)


def __dir__() -> list[str]:
    return sorted(_FACTS)

"""Tasks in task workers, anywhere."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from antiphon.context import FlowRunContext
from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.engine.delay import delay
from antiphon.runners.base import NOT_STARTED, TaskRunner


class AntiphonTaskRunner(TaskRunner):
    """Queues each task for the task workers that serve it, as `task.delay` does. A flow that has it waits for
    them: with no worker it waits until one comes."""

    def __init__(self) -> None:
        self._started = False

    @property
    def name(self) -> str:
        return "antiphon"

    def duplicate(self) -> Self:
        return type(self)()

    def submit(
        self,
        task: Any,
        parameters: dict[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Iterable[Any]] | None = None,
    ) -> AntiphonDistributedFuture[Any]:
        """Raises as `task.delay`, and RuntimeError where the runner is not started."""
        if not self._started:
            raise RuntimeError(NOT_STARTED)
        future = delay(task, parameters, wait_for, dependencies)
        flow = FlowRunContext.around()
        if flow is not None:
            flow.submitted.add(future)
            future.add_done_callback(flow.submitted.discard)
        return future

    def __enter__(self) -> Self:
        self._started = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started = False

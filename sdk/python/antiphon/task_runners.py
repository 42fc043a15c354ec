"""Where submitted tasks run."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

from antiphon.context import FlowRunContext
from antiphon.engine.run_task import announce, prepare, run_in_thread
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.mapping import mapped_parameters
from antiphon.settings import get_current_settings

__all__ = ["TaskRunner", "ThreadPoolTaskRunner"]


class TaskRunner(ABC):
    """Runs tasks that a flow submits, from the entry of its `with` block to the end. One object serves one run at a
    time; each flow run takes a duplicate."""

    @abstractmethod
    def duplicate(self) -> Self:
        """Return a runner with the same options, not started."""

    @abstractmethod
    def submit(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFuture[Any]:
        """Start a run of `task` and return at once."""

    def map(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFutureList[Any]:
        """Start a run for each element of the iterables among the parameters.

        Raises MappingLengthMismatch where they differ in length, MappingMissingIterable where there is none.
        """
        waited = list(wait_for or ())
        return AntiphonFutureList(self.submit(task, each, waited) for each in mapped_parameters(task.fn, parameters))

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ThreadPoolTaskRunner(TaskRunner):
    """Runs each task in a thread, an async one in a loop of its own there. Without `max_workers`, which the setting
    `task_runner_thread_pool_max_workers` can give too, there are as many threads as tasks that run at once."""

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and (isinstance(max_workers, bool) or max_workers < 1):
            raise ValueError(f"max_workers is {max_workers}; give 1 or more, or None for no bound.")
        self._max_workers = max_workers
        self._executor: ThreadPoolExecutor | None = None

    def duplicate(self) -> Self:
        return type(self)(self._max_workers)

    def submit(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFuture[Any]:
        """Raises RuntimeError where the runner is not started."""
        if self._executor is None:
            raise RuntimeError(
                "The task runner is not started. Submit tasks from inside a flow, or use `with runner:`."
            )
        call = prepare(task, parameters, wait_for)
        announce(call)
        future: AntiphonFuture[Any] = AntiphonFuture(
            call.run.id, self._executor.submit(copy_context().run, run_in_thread, call)
        )
        flow = FlowRunContext.get()
        if flow is not None:
            flow.submitted.append(future)
        return future

    def __enter__(self) -> Self:
        limit = self._max_workers or get_current_settings().task_runner_thread_pool_max_workers or sys.maxsize
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix="antiphon-task")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            # The engine waits for what was submitted; here that would block the loop of an async flow.
            executor.shutdown(wait=False)

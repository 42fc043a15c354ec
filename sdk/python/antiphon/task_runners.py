"""Where submitted tasks run."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, Self

from antiphon.context import FlowRunContext
from antiphon.engine.run_task import announce, prepare, run_in_thread, withdraw
from antiphon.engine.upstream import listed
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.mapping import mapped_parameters
from antiphon.settings import get_current_settings
from antiphon.state_core import State

__all__ = ["TaskRunner", "ThreadPoolTaskRunner"]


class TaskRunner(ABC):
    """Runs tasks that a flow submits, from the entry of its `with` block to the end. One object serves one run at a
    time; each flow run takes a duplicate.

    A runner of your own says in `start` where runs go, and how that opens and closes.
    """

    @abstractmethod
    def duplicate(self) -> Self:
        """Return a runner with the same options, not started."""

    @abstractmethod
    def start(self, run: Callable[[], State]) -> Future[State]:
        """Have `run` called once, in any thread of this process, and return at once; the future gets what it returns
        or raises. What this raises says that `run` will not be called, and is raised in the code that submits."""

    def submit(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFuture[Any]:
        """Start a run of `task` and return at once. The flow that it is submitted in ends after it."""
        call = prepare(task, parameters, wait_for)
        announced = announce(call)
        try:
            running = self.start(partial(copy_context().run, run_in_thread, call))
        except BaseException as error:
            withdraw(call, announced, error)
            raise
        future: AntiphonFuture[Any] = AntiphonFuture(call.run.id, running)
        flow = FlowRunContext.around()
        if flow is not None:
            flow.submitted.add(future)
            # One that has ended may be as large as its result is.
            future.add_done_callback(flow.submitted.discard)
        return future

    def map(
        self, task: Any, parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> AntiphonFutureList[Any]:
        """Start a run for each element of the iterables among the parameters.

        Raises MappingLengthMismatch where they differ in length, MappingMissingIterable where there is none.
        """
        waited = listed(wait_for)
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
        self._started()
        return super().submit(task, parameters, wait_for)

    def start(self, run: Callable[[], State]) -> Future[State]:
        executor = self._started()
        future: Future[State] = Future()
        try:
            executor.submit(_fulfil, future, run)
        except RuntimeError:
            # A pool that cannot start one more thread has queued it all the same, and may have begun.
            if future.cancel():
                raise
        return future

    def _started(self) -> ThreadPoolExecutor:
        executor = self._executor
        if executor is None:
            raise RuntimeError(
                "The task runner is not started. Submit tasks from inside a flow, or use `with runner:`."
            )
        return executor

    def __enter__(self) -> Self:
        limit = self._max_workers or get_current_settings().tasks.runner.thread_pool_max_workers or sys.maxsize
        self._executor = ThreadPoolExecutor(limit, thread_name_prefix="antiphon-task")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            # The engine waits for what was submitted; here that would block the loop of an async flow.
            executor.shutdown(wait=False)


def _fulfil(future: Future[State], run: Callable[[], State]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        state = run()
    except BaseException as error:  # noqa: BLE001 - the future carries it
        future.set_exception(error)
    else:
        future.set_result(state)

"""Tasks in threads of this process."""

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from antiphon.futures import AntiphonFuture
from antiphon.runners.base import NOT_STARTED, TaskRunner, check_max_workers
from antiphon.settings import get_current_settings
from antiphon.state_core import State


class ThreadPoolTaskRunner(TaskRunner):
    """Runs each task in a thread, an async one in a loop of its own there. Without `max_workers`, which the setting
    `tasks.runner.thread_pool_max_workers` can give too, there are as many threads as tasks that run at once."""

    def __init__(self, max_workers: int | None = None) -> None:
        self._max_workers = check_max_workers(max_workers)
        self._executor: ThreadPoolExecutor | None = None

    def duplicate(self) -> Self:
        return type(self)(self._max_workers)

    def submit(
        self,
        task: Any,
        parameters: dict[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Iterable[Any]] | None = None,
    ) -> AntiphonFuture[Any]:
        """Raises RuntimeError where the runner is not started."""
        self._started()
        return super().submit(task, parameters, wait_for, dependencies)

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
        if self._executor is None:
            raise RuntimeError(NOT_STARTED)
        return self._executor

    def __eq__(self, other: object) -> bool:
        """Whether the other one has the same options."""
        if not isinstance(other, ThreadPoolTaskRunner):
            return NotImplemented
        return type(self) is type(other) and self._max_workers == other._max_workers

    __hash__ = object.__hash__

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

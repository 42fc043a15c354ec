"""Tasks in processes of this machine."""

import importlib
import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from antiphon.runners.base import NOT_STARTED, check_max_workers
from antiphon.runners.errand import Errand, Parcel
from antiphon.runners.remote import RemoteTaskRunner
from antiphon.settings import get_current_settings

if TYPE_CHECKING:
    from antiphon.runners.process_pool import ProcessPool


class ProcessPoolTaskRunner(RemoteTaskRunner):
    """Runs each task in one of `max_workers` processes. Without it, which the setting
    `tasks.runner.process_pool_max_workers` can give too, there are as many as the machine has processors.

    The processes begin empty, as with `spawn`, but do not run the main script again: it needs no guard by `__name__`.
    They start as tasks need them, and end with the flow run. In each, `initializer(*initargs)` is called first. A
    process that is killed takes only its own task with it, whose run is Crashed; so does one whose initializer raises.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., Any] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        """Raises ValueError or TypeError for what cannot be."""
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer is a function, not {initializer!r}.")
        self._max_workers = check_max_workers(max_workers)
        self._initializer = initializer
        self._initargs = initargs
        self._pool: ProcessPool | None = None

    def duplicate(self) -> Self:
        return type(self)(self._max_workers, initializer=self._initializer, initargs=self._initargs)

    @property
    def is_started(self) -> bool:
        return self._pool is not None

    def send(self, parcel: Parcel) -> Errand:
        if self._pool is None:
            raise RuntimeError(NOT_STARTED)
        return self._pool.send(parcel)

    def __eq__(self, other: object) -> bool:
        """Whether the other one has the same options."""
        if not isinstance(other, ProcessPoolTaskRunner):
            return NotImplemented
        return self._options() == other._options()

    __hash__ = object.__hash__

    def _options(self) -> tuple[Any, ...]:
        return type(self), self._max_workers, self._initializer, self._initargs

    def __enter__(self) -> Self:
        workers = self._max_workers or get_current_settings().tasks.runner.process_pool_max_workers or os.cpu_count()
        # Not imported for those who have no use for it.
        make = importlib.import_module("antiphon.runners.process_pool").ProcessPool
        self._pool = make(workers or 1, self._initializer, self._initargs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.drain()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

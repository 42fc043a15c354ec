"""What a task offers for background runs: `delay`, `apply_async` and `serve`."""

import importlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.engine.delay import adelay, delay
from antiphon.parameters import bind

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
V = TypeVar("V")

#: Loaded at first use: callers of `delay` have no need of it.
_WORKER_MODULE = "antiphon.task_worker"


class DeferredCalls(Generic[P, R]):
    """The part of a Task whose runs are made by task workers, in other processes."""

    fn: Callable[P, R]

    @overload
    def delay(
        self: "DeferredCalls[P, Coroutine[Any, Any, V]]", *args: P.args, **kwargs: P.kwargs
    ) -> AntiphonDistributedFuture[V]: ...

    @overload
    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AntiphonDistributedFuture[R]: ...

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Queue a run for a task worker and return its future; works in any code, in flows and outside of them.

        In sync code the run is kept, durably, when this returns. In async code this returns at once, without blocking
        the event loop: `await task.adelay(...)` waits until the run is kept.
        Raises ParameterBindError, SerializationError where an argument cannot be sent, ServerUnreachable.
        """
        return delay(self, bind(self.fn, args, kwargs), None)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AntiphonDistributedFuture[Any]:
        """As `delay`; the run is kept, durably, when this returns."""
        return await adelay(self, bind(self.fn, args, kwargs), None)

    def apply_async(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Any] | None = None,
    ) -> AntiphonDistributedFuture[Any]:
        """As `delay`, with the arguments in a list and a dict. The worker waits for the futures in `wait_for` before it
        runs the task; those in `dependencies` (name -> futures) are only remembered as upstream runs."""
        return delay(self, bind(self.fn, tuple(args or ()), dict(kwargs or {})), wait_for, dependencies)

    async def aapply_async(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, Any] | None = None,
    ) -> AntiphonDistributedFuture[Any]:
        """As `apply_async`; the run is kept, durably, when this returns."""
        return await adelay(self, bind(self.fn, tuple(args or ()), dict(kwargs or {})), wait_for, dependencies)

    def serve(self) -> None:
        """Run what is queued for this task, in this process, until that is stopped; see `antiphon.task_worker.serve`.

        In async code it gives a coroutine.
        """
        return importlib.import_module(_WORKER_MODULE).serve(self)  # type: ignore[no-any-return]

    async def aserve(self) -> None:
        """As `serve`, in async code."""
        await importlib.import_module(_WORKER_MODULE).aserve(self)

"""Tasks: functions whose calls are runs, remembered and retried by the server."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar, Unpack, overload

from antiphon.annotations import NotSet
from antiphon.cache_policies import NO_CACHE, CachePolicy, source_of
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.decorated import Decorated, added, named_after, show_changes_of, show_options_of
from antiphon.deferred_calls import DeferredCalls
from antiphon.engine.delay import delay_all
from antiphon.engine.run_task import arun_task, iterate_task, prepare, run_task
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.hashing import hash_objects
from antiphon.mapping import keep_defaults_whole, mapped_parameters
from antiphon.option_checks import (
    checked_expiration,
    checked_flag,
    checked_hooks,
    checked_name,
    checked_run_name,
    checked_storage_key,
    checked_tags,
    checked_timeout,
    checked_version,
)
from antiphon.parameters import bind
from antiphon.retries import RetryDelays, check_jitter_factor, check_retries, exponential_backoff, retry_delays
from antiphon.settings import get_current_settings
from antiphon.state_core import State
from antiphon.task_keys import task_key_of
from antiphon.task_options import (
    RetryCondition,
    TaskHook,
    TaskOptions,
    TransactionHook,
    cache_policy_of,
    persistence_of,
)
from antiphon.visualization import VisualizationUnsupportedError, drawing_around, stand_in

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
V = TypeVar("V")
Q = ParamSpec("Q")
Hook = TypeVar("Hook", bound=Callable[..., Any])

__all__ = ["Task", "TaskHook", "TaskOptions", "exponential_backoff", "task", "task_input_hash"]


class Task(Decorated[P, R], DeferredCalls[P, R]):
    """A function as a task. Calling it makes a run and gives the function's value; `submit` makes the run in the
    background. Made by the decorator `task`."""

    reset_by_none = Decorated.reset_by_none | {
        "task_run_name",
        "retries",
        "retry_delay_seconds",
        "retry_jitter_factor",
        "result_storage_key",
        "refresh_cache",
        "cache_policy",
    }

    def __init__(
        self,
        fn: Callable[P, R],
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: CachePolicy | type[NotSet] | None = NotSet,
        cache_key_fn: Callable[..., str | None] | None = None,
        cache_expiration: timedelta | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: RetryDelays | None = None,
        retry_jitter_factor: float | None = None,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        result_storage_key: str | None = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | None = None,
        log_prints: bool | None = None,
        refresh_cache: bool | None = None,
        on_completion: Sequence[TaskHook] | None = None,
        on_failure: Sequence[TaskHook] | None = None,
        on_running: Sequence[TaskHook] | None = None,
        on_rollback: Sequence[TransactionHook] | None = None,
        on_commit: Sequence[TransactionHook] | None = None,
        retry_condition_fn: RetryCondition | None = None,
        viz_return_value: Any = None,
        asset_deps: Sequence[Any] | None = None,
    ) -> None:
        """Raises TypeError where `fn` is no function, ReservedArgumentError where it takes `wait_for` or
        `return_state`, InvalidNameError, ValueError or TypeError for options that cannot be."""
        super().__init__(fn, noun="task", description=description)
        settings = get_current_settings()
        self.name = checked_name(name, getattr(self.fn, "__name__", type(self.fn).__name__), "task")
        self.tags = checked_tags(tags)
        self.version = checked_version(version)
        self.task_run_name = checked_run_name(task_run_name, "task_run_name")
        self.task_key = task_key_of(self.fn, self.name)
        self.retries = check_retries(settings.tasks.default_retries if retries is None else retries)
        if retry_delay_seconds is None:
            retry_delay_seconds = settings.tasks.default_retry_delay_seconds
        self.retry_delay_seconds = retry_delay_seconds
        self.retry_delays = retry_delays(retry_delay_seconds, self.retries)
        self.retry_jitter_factor = check_jitter_factor(retry_jitter_factor)
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.result_storage_key = checked_storage_key(result_storage_key)
        self.cache_result_in_memory = cache_result_in_memory
        self.cache_key_fn = cache_key_fn
        self.cache_expiration = checked_expiration(cache_expiration)
        self.refresh_cache = checked_flag(refresh_cache, "refresh_cache")
        self.cache_policy = cache_policy_of(self, cache_policy, cache_key_fn, persist_result)
        asked = self.cache_policy if cache_policy is not NotSet or cache_key_fn is not None else None
        self.persist_result = persistence_of(
            persist_result,
            None if asked is NO_CACHE else asked,
            result_storage_key,
            result_storage,
            result_serializer,
        )
        #: As they were given, for copies.
        self._given = {"cache_policy": cache_policy, "persist_result": persist_result}
        self.timeout_seconds = checked_timeout(timeout_seconds)
        self.log_prints = checked_flag(log_prints, "log_prints")
        self.on_completion_hooks = checked_hooks(on_completion, "on_completion")
        self.on_failure_hooks = checked_hooks(on_failure, "on_failure")
        self.on_running_hooks = checked_hooks(on_running, "on_running")
        self.on_rollback_hooks = checked_hooks(on_rollback, "on_rollback")
        self.on_commit_hooks = checked_hooks(on_commit, "on_commit")
        if retry_condition_fn is not None and not callable(retry_condition_fn):
            raise TypeError(f"retry_condition_fn is a function, not {retry_condition_fn!r}.")
        self.retry_condition_fn = retry_condition_fn
        self.viz_return_value = viz_return_value
        self.asset_deps = list(asset_deps or ())

    @property
    def has_transaction_hooks(self) -> bool:
        """Whether there are hooks for commit or rollback."""
        return bool(self.on_commit_hooks or self.on_rollback_hooks)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(
        self, *args: Any, wait_for: Iterable[Any] | None, return_state: Literal[False] = ..., **kwargs: Any
    ) -> R: ...

    # Any: of a function without annotations nobody knows whether a State or a coroutine comes.
    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = ..., **kwargs: Any
    ) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task and return what it returns, or raise what it raises; an async one gives a coroutine.

        One that yields gives a generator: the run lasts until that is exhausted or closed.
        `return_state=True` gives the final State instead and raises nothing; `wait_for=[futures]` waits for these.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        parameters = bind(self.fn, args, kwargs)
        if (drawn := drawing_around()) is not None:
            return stand_in(drawn, self, self.viz_return_value, parameters, wait_for, return_state)
        if self.isgenerator:
            return iterate_task(self, parameters, wait_for)
        if self.isasync:
            return named_after(_aresult(self, parameters, wait_for, return_state), self)
        state = run_task(prepare(self, parameters, wait_for))
        return state if return_state else state.outcome()

    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, V]]",
        *args: Any,
        return_state: Literal[False] = ...,
        wait_for: Iterable[Any] | None = ...,
        **kwargs: Any,
    ) -> AntiphonFuture[V]: ...

    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, V]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = ...,
        **kwargs: Any,
    ) -> State[V]: ...

    @overload
    def submit(
        self,
        *args: Any,
        return_state: Literal[False] = ...,
        wait_for: Iterable[Any] | None = ...,
        **kwargs: Any,
    ) -> AntiphonFuture[R]: ...

    @overload
    def submit(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = ..., **kwargs: Any
    ) -> State[R]: ...

    def submit(
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Start a run in the flow's task runner and return its future; with `return_state`, wait and return the State.

        Raises RuntimeError outside of a flow.
        """
        if (drawn := drawing_around()) is not None:
            task = drawn.note(self.name, self.viz_return_value, [bind(self.fn, args, kwargs), wait_for])
            return task.state if return_state else task
        future = _runner("submit").submit(self, bind(self.fn, args, kwargs), wait_for)
        if not return_state:
            return future
        future.wait()
        return future.state

    @overload
    def map(
        self: "Task[P, Coroutine[Any, Any, V]]",
        *args: Any,
        return_state: Literal[False] = ...,
        wait_for: Iterable[Any] | None = ...,
        deferred: bool = ...,
        **kwargs: Any,
    ) -> AntiphonFutureList[V]: ...

    @overload
    def map(
        self: "Task[P, Coroutine[Any, Any, V]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = ...,
        deferred: bool = ...,
        **kwargs: Any,
    ) -> list[State[V]]: ...

    @overload
    def map(
        self,
        *args: Any,
        return_state: Literal[False] = ...,
        wait_for: Iterable[Any] | None = ...,
        deferred: bool = ...,
        **kwargs: Any,
    ) -> AntiphonFutureList[R]: ...

    @overload
    def map(
        self,
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = ...,
        deferred: bool = ...,
        **kwargs: Any,
    ) -> list[State[R]]: ...

    def map(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        deferred: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Start a run for each element of the iterables given and return the list of futures.

        What `unmapped(...)` is around, and what is not iterable, every run gets whole. `deferred` queues the runs for
        task workers, as `delay` does. Raises MappingLengthMismatch, MappingMissingIterable, and RuntimeError outside of
        a flow unless `deferred`.
        """
        if drawing_around() is not None:
            raise VisualizationUnsupportedError(
                f"The flow maps task {self.name!r}, and that cannot be drawn: how many runs there would be depends on "
                "values."
            )
        runner = None if deferred else _runner("map")
        parameters = keep_defaults_whole(self.fn, args, kwargs, bind(self.fn, args, kwargs))
        futures: AntiphonFutureList[Any]
        if runner is None:
            calls = mapped_parameters(self.fn, parameters)
            futures = AntiphonFutureList(delay_all(self, calls, wait_for))
        else:
            futures = runner.map(self, parameters, wait_for)
        if not return_state:
            return futures
        futures.wait()
        return [future.state for future in futures]

    def on_completion(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run completes."""
        return added(self.on_completion_hooks, fn)

    def on_failure(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run fails and no retry is left."""
        return added(self.on_failure_hooks, fn)

    def on_running(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run begins, at each attempt."""
        return added(self.on_running_hooks, fn)

    def on_commit(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called with the transaction when a run's result is committed."""
        return added(self.on_commit_hooks, fn)

    def on_rollback(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called with the transaction when a completed run is rolled back with it."""
        return added(self.on_rollback_hooks, fn)

    if TYPE_CHECKING:
        # Any options at all in the base class.
        def with_options(self, **changes: Unpack[TaskOptions]) -> Self: ...  # type: ignore[override]

        @overload
        def __get__(self, instance: None, owner: type | None = ...) -> Self: ...

        @overload
        def __get__(
            self: "Task[Concatenate[Any, Q], V]", instance: object, owner: type | None = ...
        ) -> "Task[Q, V]": ...

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

    def _options(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "tags": self.tags,
            "version": self.version,
            "cache_key_fn": self.cache_key_fn,
            "cache_expiration": self.cache_expiration,
            "task_run_name": self.task_run_name,
            "retries": self.retries,
            "retry_delay_seconds": self.retry_delay_seconds,
            "retry_jitter_factor": self.retry_jitter_factor,
            "result_storage": self.result_storage,
            "result_serializer": self.result_serializer,
            "result_storage_key": self.result_storage_key,
            "cache_result_in_memory": self.cache_result_in_memory,
            "timeout_seconds": self.timeout_seconds,
            "log_prints": self.log_prints,
            "refresh_cache": self.refresh_cache,
            "on_completion": self.on_completion_hooks,
            "on_failure": self.on_failure_hooks,
            "on_running": self.on_running_hooks,
            "on_rollback": self.on_rollback_hooks,
            "on_commit": self.on_commit_hooks,
            "retry_condition_fn": self.retry_condition_fn,
            "viz_return_value": self.viz_return_value,
            "asset_deps": self.asset_deps,
            **self._given,
        }


async def _aresult(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None, return_state: bool
) -> Any:
    state = await arun_task(prepare(task, parameters, wait_for))
    return state if return_state else await state.aresult()


_DEFERRED = {"submit": "delay", "map": "map(..., deferred=True)"}


def _runner(verb: str) -> Any:
    flow = FlowRunContext.around()
    if flow is None or flow.task_runner is None:
        raise RuntimeError(
            f"`{verb}` works inside a flow only: the flow's task runner runs the task. Call the task directly to run "
            f"it on its own, or have a task worker run it with `{_DEFERRED[verb]}`."
        )
    return flow.task_runner


def task_input_hash(context: TaskRunContext, arguments: dict[str, Any]) -> str | None:
    """Return a key of the task and its inputs, for `cache_key_fn`. Raises HashError for inputs that cannot be told
    apart."""
    return hash_objects(context.task.task_key, source_of(context.task.fn), arguments)


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(fn: Literal[None] = None, /, **options: Unpack[TaskOptions]) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function. Works bare (`@task`) and with options (`@task(retries=3)`); those of `Task`."""
    if fn is None:
        Task.check_option_names(options)
        return partial(task, **options) if options else task
    return Task(fn, **options)


show_options_of(task, Task)
show_changes_of(Task)

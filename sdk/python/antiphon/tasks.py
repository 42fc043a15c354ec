"""Tasks: functions whose calls are runs, remembered and retried by the server."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar, overload

from antiphon.context import FlowRunContext
from antiphon.decorated import Decorated, added
from antiphon.engine.run_task import arun_task, prepare, run_task
from antiphon.futures import AntiphonFuture, AntiphonFutureList
from antiphon.mapping import keep_defaults_whole
from antiphon.option_checks import (
    checked_flag,
    checked_hooks,
    checked_name,
    checked_run_name,
    checked_tags,
    checked_timeout,
    checked_version,
)
from antiphon.parameters import bind
from antiphon.retries import RetryDelays, check_jitter_factor, check_retries, exponential_backoff, retry_delays
from antiphon.runs import TaskRun
from antiphon.settings import get_current_settings
from antiphon.state_core import State

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")
Q = ParamSpec("Q")

#: Called with the task, the run and the state; sync or async.
TaskHook = Callable[["Task[..., Any]", TaskRun, State], Any]
#: Says whether a failed run makes sense to try again; sync or async.
RetryCondition = Callable[["Task[..., Any]", TaskRun, State], Any]


__all__ = ["Task", "TaskHook", "exponential_backoff", "task"]


class Task(Decorated[P, R]):
    """A function as a task. Calling it makes a run and gives the function's value; `submit` makes the run in the
    background. Made by the decorator `task`."""

    reset_by_none = Decorated.reset_by_none | {
        "task_run_name",
        "retries",
        "retry_delay_seconds",
        "retry_jitter_factor",
    }

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: RetryDelays | None = None,
        retry_jitter_factor: float | None = None,
        persist_result: bool | None = None,
        timeout_seconds: float | None = None,
        log_prints: bool | None = None,
        on_completion: Sequence[TaskHook] | None = None,
        on_failure: Sequence[TaskHook] | None = None,
        on_running: Sequence[TaskHook] | None = None,
        retry_condition_fn: RetryCondition | None = None,
    ) -> None:
        """Raises TypeError where `fn` is no function, ReservedArgumentError where it takes `wait_for` or
        `return_state`, InvalidNameError, ValueError or TypeError for options that cannot be."""
        super().__init__(fn, noun="task", description=description)
        settings = get_current_settings()
        self.name = checked_name(name, getattr(self.fn, "__name__", type(self.fn).__name__), "task")
        self.tags = checked_tags(tags)
        self.version = checked_version(version)
        self.task_run_name = checked_run_name(task_run_name, "task_run_name")
        self.task_key = f"{getattr(self.fn, '__module__', '')}.{getattr(self.fn, '__qualname__', self.name)}"[-500:]
        self.retries = check_retries(settings.tasks_default_retries if retries is None else retries)
        if retry_delay_seconds is None:
            retry_delay_seconds = settings.tasks_default_retry_delay_seconds
        self.retry_delay_seconds = retry_delay_seconds
        self.retry_delays = retry_delays(retry_delay_seconds, self.retries)
        self.retry_jitter_factor = check_jitter_factor(retry_jitter_factor)
        self.persist_result = checked_flag(persist_result, "persist_result")
        self.timeout_seconds = checked_timeout(timeout_seconds)
        self.log_prints = checked_flag(log_prints, "log_prints")
        self.on_completion_hooks = checked_hooks(on_completion, "on_completion")
        self.on_failure_hooks = checked_hooks(on_failure, "on_failure")
        self.on_running_hooks = checked_hooks(on_running, "on_running")
        if retry_condition_fn is not None and not callable(retry_condition_fn):
            raise TypeError(f"retry_condition_fn is a function, not {retry_condition_fn!r}.")
        self.retry_condition_fn = retry_condition_fn

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

        `return_state=True` gives the final State instead and raises nothing; `wait_for=[futures]` waits for these.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        parameters = bind(self.fn, args, kwargs)
        if self.isasync:
            return _aresult(self, parameters, wait_for, return_state)
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
        **kwargs: Any,
    ) -> AntiphonFutureList[V]: ...

    @overload
    def map(
        self: "Task[P, Coroutine[Any, Any, V]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = ...,
        **kwargs: Any,
    ) -> list[State[V]]: ...

    @overload
    def map(
        self,
        *args: Any,
        return_state: Literal[False] = ...,
        wait_for: Iterable[Any] | None = ...,
        **kwargs: Any,
    ) -> AntiphonFutureList[R]: ...

    @overload
    def map(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = ..., **kwargs: Any
    ) -> list[State[R]]: ...

    def map(self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any) -> Any:
        """Start a run for each element of the iterables given and return the list of futures.

        What `unmapped(...)` is around, and what is not iterable, every run gets whole. Raises MappingLengthMismatch,
        MappingMissingIterable, and RuntimeError outside of a flow.
        """
        runner = _runner("map")
        parameters = keep_defaults_whole(self.fn, args, kwargs, bind(self.fn, args, kwargs))
        futures = runner.map(self, parameters, wait_for)
        if not return_state:
            return futures
        futures.wait()
        return [future.state for future in futures]

    def on_completion(self, fn: TaskHook) -> TaskHook:
        """Decorator: have `fn` called when a run completes."""
        return added(self.on_completion_hooks, fn)

    def on_failure(self, fn: TaskHook) -> TaskHook:
        """Decorator: have `fn` called when a run fails and no retry is left."""
        return added(self.on_failure_hooks, fn)

    def on_running(self, fn: TaskHook) -> TaskHook:
        """Decorator: have `fn` called when a run begins, at each attempt."""
        return added(self.on_running_hooks, fn)

    if TYPE_CHECKING:

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
            "task_run_name": self.task_run_name,
            "retries": self.retries,
            "retry_delay_seconds": self.retry_delay_seconds,
            "retry_jitter_factor": self.retry_jitter_factor,
            "persist_result": self.persist_result,
            "timeout_seconds": self.timeout_seconds,
            "log_prints": self.log_prints,
            "on_completion": self.on_completion_hooks,
            "on_failure": self.on_failure_hooks,
            "on_running": self.on_running_hooks,
            "retry_condition_fn": self.retry_condition_fn,
        }


async def _aresult(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None, return_state: bool
) -> Any:
    state = await arun_task(prepare(task, parameters, wait_for))
    return state if return_state else await state.aresult()


def _runner(verb: str) -> Any:
    flow = FlowRunContext.around()
    if flow is None or flow.task_runner is None:
        raise RuntimeError(
            f"`{verb}` works inside a flow only: the flow's task runner runs the task. Call the task directly to run "
            "it on its own."
        )
    return flow.task_runner


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(fn: Literal[None] = None, /, **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function. Works bare (`@task`) and with options (`@task(retries=3)`); those of `Task`."""
    if fn is None:
        return partial(task, **options) if options else task
    return Task(fn, **options)

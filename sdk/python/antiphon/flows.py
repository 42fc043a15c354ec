"""Flows: functions whose calls are runs, and in which tasks are called."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar, overload

from antiphon.decorated import Decorated, added, show_options_of
from antiphon.engine.run_flow import arun_flow, iterate_flow, run_flow
from antiphon.option_checks import (
    checked_flag,
    checked_hooks,
    checked_name,
    checked_run_name,
    checked_timeout,
    checked_version,
)
from antiphon.parameters import bind, validate
from antiphon.retries import check_retries, retry_delays
from antiphon.settings import get_current_settings
from antiphon.state_core import State
from antiphon.task_options import persistence_of
from antiphon.task_runners import TaskRunner, ThreadPoolTaskRunner

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")
Q = ParamSpec("Q")

#: Called with the flow, the run and the state; sync or async. (The run is Any: people write the client's FlowRun, which
#: has the same facts.)
FlowHook = Callable[["Flow[..., Any]", Any, State], Any]
H = TypeVar("H", bound=FlowHook)

__all__ = ["Flow", "FlowHook", "flow"]


class Flow(Decorated[P, R]):
    """A function as a flow. Calling it makes a run and gives the function's value. Made by the decorator `flow`."""

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        version: str | None = None,
        flow_run_name: str | Callable[..., str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        task_runner: TaskRunner | type[TaskRunner] | None = None,
        description: str | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: Sequence[FlowHook] | None = None,
        on_failure: Sequence[FlowHook] | None = None,
        on_cancellation: Sequence[FlowHook] | None = None,
        on_crashed: Sequence[FlowHook] | None = None,
        on_running: Sequence[FlowHook] | None = None,
    ) -> None:
        """Raises TypeError where `fn` is no function, InvalidNameError for a name that cannot be,
        ReservedArgumentError where `fn` takes `return_state` or `wait_for`, ValueError or TypeError for options out of
        range."""
        super().__init__(fn, noun="flow", description=description)
        settings = get_current_settings()
        own_name = getattr(self.fn, "__name__", type(self.fn).__name__).replace("_", "-")
        self.name = checked_name(name, own_name, "flow")
        self.version = checked_version(version)
        self.flow_run_name = checked_run_name(flow_run_name, "flow_run_name")
        self.retries = check_retries(settings.flows.default_retries if retries is None else retries)
        if retry_delay_seconds is None:
            retry_delay_seconds = settings.flows.default_retry_delay_seconds
        self.retry_delay_seconds = retry_delay_seconds
        self.retry_delays = retry_delays(retry_delay_seconds, self.retries)
        self.task_runner = _checked_runner(task_runner)
        self.timeout_seconds = checked_timeout(timeout_seconds)
        self.should_validate_parameters = validate_parameters
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.persist_result = persistence_of(persist_result, result_storage, result_serializer)
        #: As it was given, for copies.
        self._given_persist_result = persist_result
        self.log_prints = checked_flag(log_prints, "log_prints")
        self.on_completion_hooks = checked_hooks(on_completion, "on_completion")
        self.on_failure_hooks = checked_hooks(on_failure, "on_failure")
        self.on_cancellation_hooks = checked_hooks(on_cancellation, "on_cancellation")
        self.on_crashed_hooks = checked_hooks(on_crashed, "on_crashed")
        self.on_running_hooks = checked_hooks(on_running, "on_running")

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
        """Run the flow and return what it returns, or raise what it raises; an async one gives a coroutine.

        One that yields gives a generator: the run lasts until that is exhausted or closed.
        `return_state=True` gives the final State instead and raises nothing. `wait_for` holds futures and states of
        runs that must have completed before. Called in a flow it is a subflow.
        """
        return_state, wait_for = kwargs.pop("return_state", False), kwargs.pop("wait_for", None)
        parameters = bind(self.fn, args, kwargs)
        if self.isgenerator:
            return iterate_flow(self, parameters, wait_for)
        if self.isasync:
            return _aresult(self, parameters, return_state, wait_for)
        state = run_flow(self, parameters, wait_for)
        return state if return_state else state.outcome()

    def validate_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as a run would get them. Raises ParameterTypeError, with a line for each."""
        return validate(self.fn, parameters)

    def on_completion(self, fn: H) -> H:
        """Decorator: have `fn` called when a run completes."""
        return added(self.on_completion_hooks, fn)

    def on_failure(self, fn: H) -> H:
        """Decorator: have `fn` called when a run fails and no retry is left."""
        return added(self.on_failure_hooks, fn)

    def on_cancellation(self, fn: H) -> H:
        """Decorator: have `fn` called when a run was cancelled."""
        return added(self.on_cancellation_hooks, fn)

    def on_crashed(self, fn: H) -> H:
        """Decorator: have `fn` called when a run crashes and its process lives on to tell."""
        return added(self.on_crashed_hooks, fn)

    def on_running(self, fn: H) -> H:
        """Decorator: have `fn` called when a run begins, at each attempt."""
        return added(self.on_running_hooks, fn)

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type | None = ...) -> Self: ...

        @overload
        def __get__(
            self: "Flow[Concatenate[Any, Q], V]", instance: object, owner: type | None = ...
        ) -> "Flow[Q, V]": ...

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

    def _options(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "flow_run_name": self.flow_run_name,
            "retries": self.retries,
            "retry_delay_seconds": self.retry_delay_seconds,
            "task_runner": self.task_runner,
            "description": self.description,
            "timeout_seconds": self.timeout_seconds,
            "validate_parameters": self.should_validate_parameters,
            "persist_result": self._given_persist_result,
            "result_storage": self.result_storage,
            "result_serializer": self.result_serializer,
            "cache_result_in_memory": self.cache_result_in_memory,
            "log_prints": self.log_prints,
            "on_completion": self.on_completion_hooks,
            "on_failure": self.on_failure_hooks,
            "on_cancellation": self.on_cancellation_hooks,
            "on_crashed": self.on_crashed_hooks,
            "on_running": self.on_running_hooks,
        }


def _checked_runner(runner: TaskRunner | type[TaskRunner] | None) -> TaskRunner:
    if runner is None:
        return ThreadPoolTaskRunner()
    made = runner() if isinstance(runner, type) else runner
    if not isinstance(made, TaskRunner):
        raise TypeError(f"task_runner is a TaskRunner such as ThreadPoolTaskRunner(), not {runner!r}.")
    return made


async def _aresult(flow: Flow[..., Any], parameters: dict[str, Any], return_state: bool, wait_for: Any) -> Any:
    state = await arun_flow(flow, parameters, wait_for)
    return state if return_state else await state.aresult()


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...


@overload
def flow(fn: Literal[None] = None, /, **options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]: ...


def flow(fn: Any = None, /, **options: Any) -> Any:
    """Make a flow of a function. Works bare (`@flow`) and with options (`@flow(retries=3)`); those of `Flow`."""
    if fn is None:
        return partial(flow, **options) if options else flow
    return Flow(fn, **options)


show_options_of(flow, Flow)

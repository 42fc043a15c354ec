"""Flows: functions whose calls are runs, and in which tasks are called."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from antiphon.decorated import Decorated, added, named_after, show_changes_of, show_options_of
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.run_flow import arun_flow, iterate_flow, run_flow
from antiphon.exceptions import MissingFlowError
from antiphon.flow_deployments import Deployable
from antiphon.flow_options import FlowHook, FlowOptions, checked_runner
from antiphon.flow_source import pulled_object
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
from antiphon.runs import FlowRun
from antiphon.settings import get_current_settings
from antiphon.state_core import State
from antiphon.task_options import persistence_of
from antiphon.task_runners import TaskRunner
from antiphon.visualization import drawing_around, drawn_calls, mermaid_graph, show_graph, stand_in

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
V = TypeVar("V")
Q = ParamSpec("Q")

Given = TypeVar("Given", contravariant=True)
Hook = TypeVar("Hook", bound=Callable[..., Any])

#: Loaded by name at the first flow that is asked for its schema, since Pydantic takes long to import.
_SCHEMA_MODULE = "antiphon.parameter_schema"

__all__ = ["Flow", "FlowDecorator", "FlowHook", "FlowStateHook", "flow", "loaded_flow"]


class Flow(Deployable, Decorated[P, R]):
    """A function as a flow. Calling it makes a run and gives the function's value. Made by the decorator `flow`."""

    def __init__(
        self,
        fn: Callable[P, R],
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
        self.task_runner = checked_runner(task_runner)
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
        self._parameters: Any = None
        #: Where it was loaded from: the storage, and the entrypoint there.
        self._storage: Any = None
        self._entrypoint: str | None = None

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
        if (drawn := drawing_around()) is not None:
            return stand_in(drawn, self, None, parameters, wait_for, return_state)
        if self.isgenerator:
            return iterate_flow(self, parameters, wait_for)
        if self.isasync:
            return named_after(_aresult(self, parameters, return_state, wait_for), self)
        state = run_flow(self, parameters, wait_for)
        return state if return_state else state.outcome()

    def validate_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as a run would get them. Raises ParameterTypeError, with a line for each."""
        return validate(self.fn, parameters)

    def serialize_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as JSON can say them; what it cannot is its type's name in angle brackets."""
        made: dict[str, Any] = importlib.import_module(_SCHEMA_MODULE).to_json_values(dict(parameters))
        return made

    @property
    def parameters(self) -> Any:
        """The JSON schema of the parameters (a Pydantic model, ParameterSchema), from annotations and defaults."""
        if self._parameters is None:
            self._parameters = importlib.import_module(_SCHEMA_MODULE).parameter_schema(self.fn)
        return self._parameters

    @dual
    def visualize(self, *args: Any, **kwargs: Any) -> Work[None]:
        """Draw what a call with these arguments would call: in a notebook's cell, else as a PNG in a new window.

        The flow's own code runs; its tasks and subflows do not, and give their `viz_return_value`, or a stand-in. In
        async code this gives a coroutine. Raises GraphvizImportError without the extra `antiphon[viz]`,
        GraphvizExecutableNotFoundError without Graphviz, VisualizationUnsupportedError for a flow that maps,
        FlowVisualizationError where its code raises.
        """
        show_graph((yield from drawn_calls(self, "visualize", args, kwargs)), self.name)

    avisualize = awaitable(visualize)

    @dual
    def generate_mermaid_graph(self, *args: Any, **kwargs: Any) -> Work[str]:
        """Return what a call with these arguments would call, as a flowchart in Mermaid's language. As `visualize`,
        without need of Graphviz."""
        return mermaid_graph((yield from drawn_calls(self, "generate_mermaid_graph", args, kwargs)))

    agenerate_mermaid_graph = awaitable(generate_mermaid_graph)

    @property
    def source(self) -> tuple[Any, str] | None:
        """The storage that it was loaded from (`from_source`) and its entrypoint there; None for one of this
        program."""
        return None if self._storage is None or self._entrypoint is None else (self._storage, self._entrypoint)

    @classmethod
    def from_source(cls, source: "str | PathLike[str] | Any", entrypoint: str) -> "Flow[..., Any]":
        """Return the flow at an entrypoint (`flows.py:hello`) of a folder, a git repository or another storage.

        `source` is a path, a URL (one of git ends in `.git`) or a storage of `antiphon.runner.storage`. Remote code is
        brought to a folder of its own, which goes with the process. In async code this gives a coroutine. Raises
        RuntimeError where the code cannot be had, ScriptError, MissingFlowError.
        """
        return _from_source(source, entrypoint)

    @classmethod
    async def afrom_source(cls, source: "str | PathLike[str] | Any", entrypoint: str) -> "Flow[..., Any]":
        """As `from_source`, in any code."""
        return await _afrom_source(source, entrypoint)

    def on_completion(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run completes."""
        return added(self.on_completion_hooks, fn)

    def on_failure(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run fails and no retry is left."""
        return added(self.on_failure_hooks, fn)

    def on_cancellation(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run was cancelled."""
        return added(self.on_cancellation_hooks, fn)

    def on_crashed(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run crashes and its process lives on to tell."""
        return added(self.on_crashed_hooks, fn)

    def on_running(self, fn: Hook) -> Hook:
        """Decorator: have `fn` called when a run begins, at each attempt."""
        return added(self.on_running_hooks, fn)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Says what to do where somebody takes a flow for a task."""
            kind = type(self).__name__
            if name in ("submit", "map", "delay", "apply_async"):
                raise AttributeError(
                    f"{kind!r} object has no attribute {name!r}: tasks have, flows are called. To run flow "
                    f"{self.name!r} beside others, call it inside a task and {name} that."
                )
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    if TYPE_CHECKING:
        # Any options at all in the base class.
        def with_options(self, **changes: Unpack[FlowOptions]) -> Self: ...  # type: ignore[override]

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


async def _aresult(flow: Flow[..., Any], parameters: dict[str, Any], return_state: bool, wait_for: Any) -> Any:
    state = await arun_flow(flow, parameters, wait_for)
    return state if return_state else await state.aresult()


class FlowStateHook(Protocol, Generic[P, Given]):
    """What is called with the flow, the run and the state; sync or async."""

    def __call__(self, flow: Flow[P, Given], flow_run: FlowRun, state: State) -> Any: ...


def loaded_flow(found: Any, entrypoint: str, storage: Any = None) -> Flow[..., Any]:
    """Return what was found at an entrypoint. Raises MissingFlowError where it is no flow."""
    if not isinstance(found, Flow):
        raise MissingFlowError(
            f"What is at {entrypoint!r} is no flow but {type(found).__name__}. Put the decorator @flow on the function."
        )
    found._entrypoint, found._storage = entrypoint, storage
    return found


@dual
def _from_source(source: Any, entrypoint: str) -> Work[Flow[..., Any]]:
    found, storage = yield from pulled_object(source, entrypoint)
    return loaded_flow(found, entrypoint, storage)


_afrom_source = awaitable(_from_source)


class FlowDecorator:
    """The decorator `flow`, which makes flows of functions."""

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...

    @overload
    def __call__(
        self, fn: Literal[None] = None, /, **options: Unpack[FlowOptions]
    ) -> Callable[[Callable[P, R]], Flow[P, R]]: ...

    def __call__(self, fn: Any = None, /, **options: Any) -> Any:
        """Make a flow of a function. Works bare (`@flow`) and with options (`@flow(retries=3)`); those of `Flow`."""
        if fn is None:
            Flow.check_option_names(options)
            return partial(self, **options) if options else self
        return Flow(fn, **options)

    from_source = staticmethod(Flow.from_source)
    afrom_source = staticmethod(Flow.afrom_source)

    def __repr__(self) -> str:
        return "<decorator flow>"


flow = FlowDecorator()
show_options_of(flow, Flow)
show_changes_of(Flow)

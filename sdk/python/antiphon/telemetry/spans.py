"""Spans of runs. Loaded only where somebody traces, see `tracing`."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from antiphon.engine.effects import Call, Effect, Life, Outcome, Send
from antiphon.runs import FlowRun, TaskRun
from antiphon.state_core import State, StateType
from antiphon.v1 import flow_run_pb2, state_pb2, task_run_pb2
from antiphon.v1.transition_pb2 import Proposal, Verdict

__all__ = ["current_ids", "is_provided", "traced", "traceparent"]

_TRACEPARENT: Final = "traceparent"
_propagator = TraceContextTextMapPropagator()
#: Asks for the provider anew at each span until the program has set one.
_tracer = trace.get_tracer("antiphon")


class Traced(Protocol):
    """A call of a flow or a task, as far as its span goes."""

    run: Any
    #: The span of who asked for the run, where that was in another process; empty where the calling code's is meant.
    traceparent: str


def is_provided() -> bool:
    """Say whether the program has set a provider of spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def traceparent() -> str:
    """Return the current span; empty where there is none."""
    return _written(None)


def current_ids() -> dict[str, str]:
    """Return the ids of the current span, as `trace_id` and `span_id`, for records of logs; empty where none is."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}


def traced(life: Life, call: Traced, parameters: Mapping[str, Any]) -> Life:
    """An engine: lives `life` in a span of its own. What it calls stands in the span, what it tells the server names
    that, and each state of the run is an event."""
    span = _RunSpan(call, parameters)
    step: Any = life.send
    argument: Any = None
    while True:
        try:
            effect: Effect = step(argument)
        except StopIteration as end:
            span.end(end.value)
            return end.value
        except BaseException as error:
            span.break_off(error)
            argument = None  # it may be this very error, whose traceback holds this frame
            raise
        if isinstance(effect, Send):
            span.mark(effect)
        elif isinstance(effect, Call):
            effect = replace(effect, contexts=(span.current(), *effect.contexts))
        try:
            argument = yield effect
        except BaseException as error:  # noqa: BLE001 - the life that is lived here decides what it means
            step, argument = life.throw, error
        else:
            step = life.send
            span.hear(argument)


class _RunSpan:
    """One run's."""

    def __init__(self, call: Traced, parameters: Mapping[str, Any]) -> None:
        self._run: FlowRun | TaskRun = call.run
        self._name = self._run.name
        flow = isinstance(self._run, FlowRun)
        attributes: dict[str, Any] = {
            "antiphon.run.name": self._name,
            "antiphon.run.type": "flow" if flow else "task",
            "antiphon.run.id": self._run.id,
            "antiphon.tags": list(self._run.tags),
            **{f"antiphon.run.parameter.{name}": type(value).__name__ for name, value in parameters.items()},
        }
        if isinstance(self._run, FlowRun):
            attributes["antiphon.flow.name"] = self._run.flow_name
        else:
            attributes["antiphon.task.key"] = self._run.task_key
        self._span = _tracer.start_span(self._name, context=_read(call.traceparent), attributes=attributes)
        self._traceparent = _written(trace.set_span_in_context(self._span))
        #: Type and name of the state that was noted last.
        self._noted: tuple[str, str] | None = None

    def current(self) -> AbstractContextManager[Span]:
        """Inside, this is the current span."""
        return trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def mark(self, effect: Send) -> None:
        """Says on what goes to the server which span it comes from; a run that is made names that of who asked for it,
        or this one."""
        for body in effect.bodies:
            if isinstance(body, Proposal | flow_run_pb2.FlowRun | task_run_pb2.TaskRun) and not body.traceparent:
                body.traceparent = self._traceparent

    def hear(self, answer: object) -> None:
        """Notes what came of an effect."""
        if isinstance(answer, Verdict) and answer.HasField("state"):
            state = answer.state
            self._note(_type_name(state.type), state.name, state.message)
        elif isinstance(answer, Outcome) and answer.error is not None:
            self._span.record_exception(answer.error)

    def _note(self, type: str, name: str, message: str) -> None:
        if self._noted != (type, name):
            facts = {"antiphon.state.type": type, "antiphon.state.name": name, "antiphon.state.message": message}
            self._span.add_event(name or type, facts)
            self._noted = type, name

    def end(self, state: State) -> None:
        """The run has ended here: in a final state, or in one in which it waits for others."""
        self._note(str(state.type), state.name, state.message or "")
        if state.type is StateType.COMPLETED:
            self._span.set_status(Status(StatusCode.OK))
        elif state.type in (StateType.FAILED, StateType.CRASHED):
            self._span.set_status(Status(StatusCode.ERROR, state.message or state.name))
        self._close()

    def break_off(self, error: BaseException) -> None:
        """Something went through the run that its caller hears of."""
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        self._close()

    def _close(self) -> None:
        if self._run.name != self._name:  # It was made of results that came later.
            self._span.update_name(self._run.name)
            self._span.set_attribute("antiphon.run.name", self._run.name)
        self._span.end()


def _type_name(number: int) -> str:
    """That of a state; one that this version does not know stays a number."""
    known = number in state_pb2.StateType.values()
    return state_pb2.StateType.Name(number).removeprefix("STATE_TYPE_") if known else str(number)


def _written(context: Context | None) -> str:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier.get(_TRACEPARENT, "")


def _read(written: str) -> Context | None:
    """None means the current one."""
    return _propagator.extract({_TRACEPARENT: written}) if written else None

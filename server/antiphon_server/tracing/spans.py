"""Spans of the server: one for each unary call of a caller that traces, and one for each decision on a proposal that
names a span. The server continues traces and begins none."""

from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from antiphon_server.application.core import Outcome
from antiphon_server.domain.decision import Decision
from antiphon_server.domain.model import Proposal
from antiphon_server.rpc.interceptors import Behavior, Interceptor
from antiphon_server.rpc.status import ended_with
from antiphon_server.rpc.trace_context import TRACEPARENT, caller_of, own_span

#: Codes by which a server says that the fault is its own.
_OURS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
_propagator = TraceContextTextMapPropagator()


class Tracing:
    """Of one server. `interceptor` stands around what turns errors into a status, `observe` is for `Core.observe`."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._tracer = provider.get_tracer("antiphon_server")
        self.interceptor: Interceptor = CallSpans(self._tracer)

    def observe(self, outcome: Outcome) -> None:
        """Makes a span for each decision of a transaction whose proposer traces."""
        if outcome.changes is None or outcome.changes.tally is None:
            return
        end = round(outcome.end_time * 1e9)
        times = (end - round(outcome.seconds * 1e9), end)
        for proposal, decision in outcome.changes.tally.traced:
            self._tell(proposal, decision, times, len(outcome.answers))

    def _tell(self, proposal: Proposal, decision: Decision, times: tuple[int, int], operations: int) -> None:
        attributes: dict[str, Any] = {
            "antiphon.run.id": proposal.run_id,
            "antiphon.run.type": "flow" if proposal.kind.value == "flow_run" else "task",
            "antiphon.transition.id": proposal.transition_id,
            "antiphon.proposed": proposal.state.type.name,
            "antiphon.verdict": decision.verdict.name,
            "antiphon.rules": [finding.rule for finding in decision.findings],
            "antiphon.reason": decision.reason,
            "antiphon.commit.operations": operations,
        }
        parent = _read(proposal.traceparent)
        name = f"decide {proposal.state.type.name}"
        span = self._tracer.start_span(name, parent, start_time=times[0], attributes=attributes)
        span.end(times[1])


class CallSpans(Interceptor):
    """Streams have no span: they last as long as they are wanted."""

    def __init__(self, tracer: trace.Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def unary(self, method: str, behavior: Behavior) -> Behavior:
        service, _, name = method[1:].rpartition("/")
        known = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}

        async def spanned(request: Any, context: Any) -> Any:
            caller = caller_of(context)
            if not caller:
                return await behavior(request, context)
            span = self._tracer.start_span(method[1:], _read(caller), kind=SpanKind.SERVER, attributes=known)
            token = own_span.set(_written(trace.set_span_in_context(span)))
            try:
                with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                    return await behavior(request, context)
            finally:
                _end(span, ended_with(context))
                own_span.reset(token)

        return spanned

    def stream(self, method: str, behavior: Behavior, *, requests: bool) -> Behavior:
        return behavior


def _end(span: trace.Span, code: grpc.StatusCode) -> None:
    span.set_attribute("rpc.grpc.status_code", code.value[0])
    if code.name in _OURS:
        span.set_status(Status(StatusCode.ERROR, code.name))
    span.end()


def _read(traceparent: str) -> Context:
    return _propagator.extract({TRACEPARENT: traceparent})


def _written(context: Context) -> str:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier.get(TRACEPARENT, "")

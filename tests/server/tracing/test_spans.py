"""The server continues traces that its callers tell it of, and begins none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from opentelemetry.trace import SpanKind, StatusCode

from antiphon.v1 import flow_run_pb2, flow_run_service_pb2, flow_run_service_pb2_grpc
from hand_session import HandSession, new_id
from refusals import refusal_of
from running_server import RunningServer
from traces import Traces
from until import until
from world import World, proposed

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{TRACE}-00f067aa0ba902b8-01"


@pytest.fixture
def traces() -> Traces:
    return Traces()


@pytest.fixture
def server(tmp_path: Path, traces: Traces) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, traces=traces.provider) as running:
        yield running


def runs(server: RunningServer) -> flow_run_service_pb2_grpc.FlowRunServiceStub:
    return flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)


def create(server: RunningServer, *, traceparent: str = "", metadata: tuple[tuple[str, str], ...] = ()) -> Any:
    run = flow_run_pb2.FlowRun(flow_name="f", traceparent=traceparent)
    request = flow_run_service_pb2.CreateFlowRunRequest(flow_run=run)
    return runs(server).CreateFlowRun(request, metadata=metadata).flow_run


def parent_of(span: Any) -> tuple[str, str]:
    return f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}"


def test_a_call_with_a_trace_has_a_span(server: RunningServer, traces: Traces) -> None:
    run = create(server, metadata=(("traceparent", TRACEPARENT),))
    (span,) = traces.spans
    assert (span.name, span.kind) == ("antiphon.v1.FlowRunService/CreateFlowRun", SpanKind.SERVER)
    assert parent_of(span) == (TRACE, SPAN)
    assert span.attributes == {
        "rpc.system": "grpc",
        "rpc.service": "antiphon.v1.FlowRunService",
        "rpc.method": "CreateFlowRun",
        "rpc.grpc.status_code": 0,
    }
    assert run.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01", "the run is part of the server's span"


def test_a_call_without_one_has_none(server: RunningServer, traces: Traces) -> None:
    assert create(server).traceparent == ""
    World(server).fill()
    assert not traces.spans


def test_what_the_run_says_counts_before_the_call(server: RunningServer) -> None:
    assert create(server, traceparent=OTHER, metadata=(("traceparent", TRACEPARENT),)).traceparent == OTHER


@pytest.mark.parametrize("wrong", ["", "x", TRACEPARENT.upper(), f"{TRACEPARENT}-more", TRACEPARENT[:-1]])
def test_metadata_that_is_no_trace_is_none(server: RunningServer, traces: Traces, wrong: str) -> None:
    assert create(server, metadata=(("traceparent", wrong),)).traceparent == ""
    assert not traces.spans


def test_a_field_that_is_no_trace_is_refused(server: RunningServer) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        create(server, traceparent="x")
    refused = refusal_of(raised.value)
    assert (refused.code.name, refused.reason) == ("INVALID_ARGUMENT", "FIELD_INVALID")


def test_what_went_wrong_by_the_server_is_an_error(server: RunningServer, traces: Traces) -> None:
    metadata = (("traceparent", TRACEPARENT),)
    with pytest.raises(grpc.RpcError):
        runs(server).GetFlowRun(flow_run_service_pb2.GetFlowRunRequest(id=new_id()), metadata=metadata)
    until(lambda: bool(traces.spans))
    (span,) = traces.spans
    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert span.status.status_code is StatusCode.UNSET, "that is the caller's fault"


def test_a_call_that_its_caller_gives_up(server: RunningServer, traces: Traces) -> None:
    run = create(server)
    World(server).propose(run.id, "PENDING")
    request = flow_run_service_pb2.AwaitFlowRunRequest(id=run.id, wait_timeout=Duration(seconds=60))
    call = runs(server).AwaitFlowRun.future(request, metadata=(("traceparent", TRACEPARENT),))
    until(lambda: server.server.activity.calls == 1)
    call.cancel()
    until(lambda: len(traces.spans) == 1)
    assert (traces.spans[0].attributes or {})["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]


def test_decisions_of_a_session_stand_below_who_proposed(server: RunningServer, traces: Traces) -> None:
    session = HandSession(server.channel)
    run_id = session.create_flow_run(traceparent=OTHER)
    session.propose(run_id, "PENDING", traceparent=TRACEPARENT)
    session.propose(run_id, "RUNNING", traceparent=TRACEPARENT, expected_state_id=new_id())
    session.propose(run_id, "RUNNING")
    until(lambda: len(traces.spans) == 2)
    accepted, refused = traces.spans
    assert (accepted.name, refused.name) == ("decide PENDING", "decide RUNNING")
    assert parent_of(accepted) == parent_of(refused) == (TRACE, SPAN)
    said = accepted.attributes or {}
    assert (said["antiphon.run.id"], said["antiphon.run.type"], said["antiphon.verdict"]) == (run_id, "flow", "ACCEPT")
    assert (refused.attributes or {})["antiphon.rules"] == ("ExpectedState",)
    assert (refused.attributes or {})["antiphon.verdict"] != "ACCEPT"
    assert accepted.start_time is not None and accepted.end_time is not None
    assert 0 < accepted.end_time - accepted.start_time < 60e9
    assert runs(server).GetFlowRun(flow_run_service_pb2.GetFlowRunRequest(id=run_id)).flow_run.traceparent == OTHER
    session.close()


def test_the_decision_on_a_unary_proposal_stands_below_its_call(server: RunningServer, traces: Traces) -> None:
    run = create(server)
    World(server).call(
        "ProposeTransition", {"proposal": proposed(run.id, "PENDING")}, metadata=(("traceparent", TRACEPARENT),)
    )
    until(lambda: len(traces.spans) == 2)
    (call,) = traces.named("antiphon.v1.TransitionService/ProposeTransition")
    (decision,) = traces.named("decide PENDING")
    assert parent_of(decision) == (TRACE, f"{call.context.span_id:016x}")


def test_a_server_that_makes_no_spans_hands_the_trace_on(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        assert create(server, metadata=(("traceparent", TRACEPARENT),)).traceparent == TRACEPARENT

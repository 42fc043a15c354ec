"""What a line of the log tells of the call in which it is written."""

from contextvars import copy_context
from typing import Any

import pytest
from google.protobuf.message import Message

from antiphon.v1 import (
    flow_run_pb2,
    flow_run_service_pb2,
    flow_service_pb2,
    log_service_pb2,
    session_service_pb2,
    task_run_pb2,
    task_run_service_pb2,
    transition_pb2,
    transition_service_pb2,
)
from antiphon_server.rpc import call_facts
from antiphon_server.rpc.trace_context import own_span


class Context:
    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"


def told(method: str, request: Message | None = None, *, session: str = "", span: str = "") -> dict[str, Any]:
    def look() -> dict[str, Any]:
        call_facts.current.set(call_facts.Call(method, Context()))
        own_span.set(span)
        if request is not None:
            call_facts.note_request(request)
        if session:
            call_facts.note_session(session)
        return dict(call_facts.facts())

    found = copy_context().run(look)
    assert (found.pop("method"), found.pop("peer")) == (method, "ipv4:127.0.0.1:1")
    return found


FLOW_RUNS, TASK_RUNS = "/antiphon.v1.FlowRunService/X", "/antiphon.v1.TaskRunService/X"


@pytest.mark.parametrize(
    ("method", "request_", "named"),
    [
        (FLOW_RUNS, flow_run_service_pb2.GetFlowRunRequest(id="f"), {"flow_run_id": "f"}),
        (TASK_RUNS, task_run_service_pb2.GetTaskRunRequest(id="t"), {"task_run_id": "t"}),
        ("/antiphon.v1.FlowService/GetFlow", flow_service_pb2.GetFlowRequest(id="a flow"), {}),
        (
            FLOW_RUNS,
            flow_run_service_pb2.CreateFlowRunRequest(flow_run=flow_run_pb2.FlowRun(id="f"), request_id="r"),
            {"flow_run_id": "f", "request_id": "r"},
        ),
        (
            TASK_RUNS,
            task_run_service_pb2.CreateTaskRunRequest(task_run=task_run_pb2.TaskRun(id="t")),
            {"task_run_id": "t"},
        ),
        (
            "/antiphon.v1.TransitionService/ProposeTransition",
            transition_service_pb2.ProposeTransitionRequest(proposal=transition_pb2.Proposal(task_run_id="t")),
            {"task_run_id": "t"},
        ),
        ("/antiphon.v1.LogService/CreateLogs", log_service_pb2.CreateLogsRequest(), {}),
        ("/antiphon.v1.SessionService/ExchangeFrames", session_service_pb2.ExchangeFramesRequest(), {}),
    ],
)
def test_ids_that_a_request_names(method: str, request_: Message, named: dict[str, str]) -> None:
    assert told(method, request_) == named


def test_a_stream_names_its_session_once_it_is_known() -> None:
    assert told("/antiphon.v1.SessionService/Attach") == {}
    assert told("/antiphon.v1.SessionService/Attach", session="s") == {"session_id": "s"}


def test_the_trace_of_the_call() -> None:
    assert told(FLOW_RUNS, span="00-abc-def-01") == {"trace_id": "abc"}


def test_outside_of_calls_nothing_is_known() -> None:
    def look() -> dict[str, object]:
        call_facts.current.set(None)
        call_facts.note_request(flow_run_service_pb2.GetFlowRunRequest(id="f"))
        call_facts.note_session("s")
        return call_facts.facts()

    assert copy_context().run(look) == {}

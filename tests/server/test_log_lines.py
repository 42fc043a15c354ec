"""The server's log as JSON: each line an object, with what it names and what is known of its call."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1 import flow_run_pb2, flow_run_service_pb2, flow_run_service_pb2_grpc, session_pb2
from antiphon_server.log_lines import JsonLines
from hand_session import HandSession, new_id
from server_process import ServerProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def line(message: str, *args: Any, facts: dict[str, object] | None = None, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        "antiphon_server.x", logging.WARNING, "x.py", 1, message, args, more.pop("exc_info", None)
    )
    said: dict[str, Any] = json.loads(JsonLines(lambda: facts or {}).format(record))
    return said


def test_a_line_has_a_time_a_level_a_logger_and_a_message() -> None:
    said = line("%d runs", 3)
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "WARNING", "logger": "antiphon_server.x", "message": "3 runs"}


def test_what_a_line_names_is_a_key() -> None:
    said = line("session %(session_id)s: %(why)s", {"session_id": "s", "why": ValueError("no")})
    assert (said["message"], said["session_id"], said["why"]) == ("session s: no", "s", "no")


def test_what_is_known_of_the_call_is_there_and_takes_nothing_away() -> None:
    said = line("run %(flow_run_id)s", {"flow_run_id": "own"}, facts={"flow_run_id": "call", "peer": "p", "level": "x"})
    assert (said["flow_run_id"], said["peer"], said["level"]) == ("own", "p", "WARNING")


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, 'a\nb"\ud800', None, None)
    text = JsonLines(dict).format(record)
    assert "\n" not in text
    assert text.isascii()
    assert json.loads(text)["message"] == 'a\nb"\ud800'


def test_an_exception_has_its_traceback() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        said = line("failed", exc_info=sys.exc_info())
    assert said["exception"].endswith("ValueError: why")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, "--log-format", "json", "--log-level", "DEBUG").serving()
    yield server
    server.close()


def lines(server: ServerProcess) -> list[dict[str, Any]]:
    server.end()
    return [json.loads(each) for each in server.output().splitlines()]


def calls(said: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    return [
        each for each in said if each["logger"] == "antiphon_server.rpc" and each.get("method", "").endswith(method)
    ]


def test_lines_of_calls_name_request_run_and_peer(process: ServerProcess) -> None:
    request_id, missing = new_id(), new_id()
    with process.channel() as channel:
        stub = flow_run_service_pb2_grpc.FlowRunServiceStub(channel)
        run = flow_run_pb2.FlowRun(id=new_id(), flow_name="f")
        stub.CreateFlowRun(flow_run_service_pb2.CreateFlowRunRequest(flow_run=run, request_id=request_id))
        with pytest.raises(grpc.RpcError):
            stub.GetFlowRun(flow_run_service_pb2.GetFlowRunRequest(id=missing))
    said = lines(process)
    (created,) = calls(said, "CreateFlowRun")
    assert (created["request_id"], created["flow_run_id"], created["code"]) == (request_id, run.id, "OK")
    assert created["method"] == "/antiphon.v1.FlowRunService/CreateFlowRun"
    assert created["peer"].startswith("unix:")
    assert created["milliseconds"] >= 0
    (got,) = calls(said, "GetFlowRun")
    assert (got["flow_run_id"], got["code"]) == (missing, "NOT_FOUND")
    assert "request_id" not in got


def test_lines_of_sessions_name_their_session(process: ServerProcess) -> None:
    with process.channel() as channel:
        session = HandSession(channel)
        session.say(session_pb2.ClientFrame(goodbye=session_pb2.Goodbye(reason="done")))
        with pytest.raises(grpc.RpcError):
            while True:
                next(session.call)
    said = lines(process)
    (goodbye,) = (each for each in said if "says goodbye" in each["message"])
    assert (goodbye["session_id"], goodbye["why"]) == (session.welcome.session_id, "done")
    assert goodbye["method"] == "/antiphon.v1.SessionService/Attach"
    (attach,) = calls(said, "Attach")
    assert attach["session_id"] == session.welcome.session_id


def test_what_is_said_outside_of_calls_names_none(process: ServerProcess) -> None:
    said = lines(process)
    (listening,) = (each for each in said if each["message"].startswith("listening on"))
    assert listening.keys() == {"time", "level", "logger", "message"}


def test_text_is_as_it_was(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path).serving()
    server.end()
    assert " INFO    antiphon_server.server: listening on " in server.output()
    server.close()

"""All that a person can do with grpcurl and nothing else at hand: no client of ours, no proto file."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from antiphon.v1.transition_pb2 import VERDICT_KIND_ABORT as ABORT
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT as ACCEPT
from contract import METHODS
from hand_session import new_id
from running_server import RunningServer

Run = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., Any]
METHOD = {method.name: method for method in METHODS}


@pytest.fixture
def run(grpcurl: str, server: RunningServer) -> Run:
    """Runs grpcurl on the server's Unix socket."""

    def run_it(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [grpcurl, "-plaintext", "-unix", *options, str(server.socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run_it


@pytest.fixture
def call(run: Run) -> Call:
    """Calls a method with a dict and reads the answer, in whichever style of JSON this grpcurl writes it."""

    def call_it(name: str, request: dict[str, Any]) -> Any:
        method = METHOD[name]
        done = run(f"{method.service}/{name}", options=("-d", json.dumps(request)))
        assert done.returncode == 0, done.stderr
        return json_format.Parse(done.stdout, method.response())

    return call_it


def proposal(run_id: str, type_: str) -> dict[str, Any]:
    return {"proposal": {"transition_id": new_id(), "flow_run_id": run_id, "state": {"type": f"STATE_TYPE_{type_}"}}}


def test_list_and_describe(run: Run) -> None:
    services = run("list").stdout.split()
    assert {"antiphon.v1.FlowRunService", "antiphon.v1.TransitionService", "grpc.health.v1.Health"} <= set(services)
    described = run("describe", "antiphon.v1.FlowRun").stdout
    assert "message FlowRun {" in described
    assert ".antiphon.v1.State state = 12;" in described
    assert "rpc ProposeTransition" in run("describe", "antiphon.v1.TransitionService").stdout


def test_a_flow_run_from_its_creation_to_its_end(call: Call) -> None:
    id = call("CreateFlowRun", {"flow_run": {"flow_name": "by hand", "tags": ["demo"]}}).flow_run.id
    running = call("ProposeTransition", proposal(id, "RUNNING")).verdict
    assert (running.kind, running.state.name, running.run_count) == (ACCEPT, "Running", 1)
    explained = call("ExplainTransition", proposal(id, "PENDING")).verdict
    assert (explained.kind, explained.findings[-1].rule) == (ABORT, "LawfulMove")
    assert "cannot become PENDING" in explained.reason
    completed = call("ProposeTransition", proposal(id, "COMPLETED")).verdict
    assert (completed.kind, completed.state.name) == (ACCEPT, "Completed")

    other = call("CreateFlowRun", {"flow_run": {"flow_name": "by hand"}}).flow_run.id
    cancelled = call("CancelFlowRun", {"id": other, "reason": "enough"}).flow_run
    assert (cancelled.state.name, cancelled.state.message) == ("Cancelled", "enough")

    def ids(filter: str) -> list[str]:
        return [run.id for run in call("ListFlowRuns", {"filter": filter}).flow_runs]

    assert ids('state.type = COMPLETED AND tags:"demo"') == [id]
    assert ids("state.type = CANCELLED") == [other]
    assert set(ids('flow_name = "by hand"')) == {id, other}
    assert ids("state.type = RUNNING") == []
    assert [state.name for state in call("ListFlowRunStates", {"id": id}).states] == ["Running", "Completed"]


def test_a_session_without_a_stream(call: Call) -> None:
    welcome = call("OpenSession", {"hello": {"client": "grpcurl"}}).welcome
    id = new_id()
    frames = [
        {"sequence": 1, "create_flow_run": {"id": id, "flow_name": "by hand"}},
        {"sequence": 2, "proposal": proposal(id, "RUNNING")["proposal"]},
    ]
    ask = {"resume_token": welcome.resume_token, "epoch": welcome.epoch, "frames": frames}
    verdict, ack = call("ExchangeFrames", ask).frames
    assert (verdict.verdict.sequence, verdict.verdict.verdict.state.name) == (2, "Running")
    assert ack.ack.sequence == 2
    assert call("GetFlowRun", {"id": id}).flow_run.session_id == welcome.session_id


def test_an_error_says_what_is_wrong(run: Run) -> None:
    done = run("antiphon.v1.FlowRunService/ListFlowRuns", options=("-d", '{"filter": "size > 3"}'))
    assert done.returncode != 0
    assert "Code: InvalidArgument" in done.stderr
    assert "FILTER_INVALID" in done.stderr
    assert "column 1" in done.stderr


def test_artifacts_and_variables_by_hand(call: Call) -> None:
    for data in ("5", "55.5"):
        call("CreateArtifact", {"artifact": {"key": "load", "type": "progress", "data": data}})
    assert call("GetLatestArtifact", {"key": "load"}).artifact.data == "55.5"
    call("SetVariable", {"variable": {"name": "answer", "value": '{"is": 42}'}})
    assert call("GetVariable", {"name": "answer"}).variable.value == '{"is": 42}'

"""What a running server says of itself by HTTP."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from antiphon.v1 import flow_run_service_pb2, flow_run_service_pb2_grpc, session_service_pb2, session_service_pb2_grpc
from antiphon.v1.state_pb2 import StateDetails
from antiphon_server.metrics import catalogue
from antiphon_server.metrics.catalogue import Type
from hand_session import HandSession, new_id
from refusals import refusal_of
from running_server import RunningServer
from scraped import Scraped
from until import until
from world import World


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, metrics="127.0.0.1:0") as running:
        yield running


def scrape(server: RunningServer) -> Scraped:
    return Scraped(server.server.exporter.address)


def test_transitions_are_counted_by_verdict_and_rule_and_states_by_type(server: RunningServer) -> None:
    session = HandSession(server.channel)
    run_id = session.create_flow_run()
    for state in ("PENDING", "RUNNING", "COMPLETED"):
        session.propose(run_id, state)
    session.propose(run_id, "RUNNING", expected_state_id=new_id())
    session.close()
    until(lambda: scrape(server).value("antiphon_states_entered_total", kind="flow_run", state="COMPLETED") == 1)
    said = scrape(server)
    accepted = {"kind": "flow_run", "verdict": "accept", "rule": "none"}
    assert said.value("antiphon_transitions_total", **accepted) == 3
    refused = [each for each in said.series("antiphon_transitions_total") if each["verdict"] != "accept"]
    assert [each["kind"] for each in refused] == ["flow_run"]
    assert refused[0]["rule"] == "ExpectedState"
    for state in ("PENDING", "RUNNING", "COMPLETED"):
        assert said.value("antiphon_states_entered_total", kind="flow_run", state=state) == 1
    assert not said.has("antiphon_states_entered_total", kind="task_run", state="RUNNING")


def test_a_subflow_counts_for_the_task_run_that_stands_for_it(server: RunningServer) -> None:
    session = HandSession(server.channel)
    parent = session.create_flow_run()
    stand_in = session.create_task_run(parent)
    child = session.create_flow_run(parent_task_run_id=stand_in)
    for run_id, state in ((parent, "PENDING"), (parent, "RUNNING"), (child, "PENDING"), (child, "RUNNING")):
        session.propose(run_id, state)
    session.close()
    until(lambda: scrape(server).value("antiphon_states_entered_total", kind="flow_run", state="RUNNING") == 2)
    assert scrape(server).value("antiphon_states_entered_total", kind="task_run", state="RUNNING") == 1


def test_a_wait_for_a_slot_and_the_slot_that_is_taken(server: RunningServer) -> None:
    world = World(server)
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:db", "limit": 1}})
    session = HandSession(server.channel)
    flow_run = session.create_flow_run()
    for state in ("PENDING", "RUNNING"):
        session.propose(flow_run, state)
    first, second = (session.create_task_run(flow_run, tags=["db"]) for _ in range(2))
    for run_id in (first, second):
        session.propose(run_id, "PENDING", task=True)
    assert session.propose(first, "RUNNING", task=True).kind == 1
    session.propose(second, "RUNNING", task=True)
    said = scrape(server)
    assert said.value("antiphon_slots_taken", limit="tag") == 1
    assert said.value("antiphon_slot_waiters", waiter="task_run") == 1
    assert said.value("antiphon_proposals_waiting") == 1
    assert sum(
        said.value("antiphon_transitions_total", **each)
        for each in said.series("antiphon_transitions_total")
        if each["verdict"] == "wait" and each["kind"] == "task_run"
    )
    assert (said.value("antiphon_sessions_active"), said.value("antiphon_streams_attached")) == (1, 1)
    session.close()
    until(lambda: scrape(server).value("antiphon_streams_attached") == 0)


def test_commits_are_measured(server: RunningServer) -> None:
    session = HandSession(server.channel)
    session.acked(session.sequence if session.create_flow_run() else 0)
    said = scrape(server)
    commits = said.value("antiphon_commit_duration_seconds_count")
    assert commits > 0
    assert said.value("antiphon_commit_operations_count") == commits
    assert said.value("antiphon_commit_operations_sum") >= commits, "none is empty"
    assert 0 < said.value("antiphon_commit_duration_seconds_sum") < 60
    assert said.value("antiphon_commit_faults_total") == 0
    session.close()


def test_calls_are_counted_by_how_they_end(server: RunningServer) -> None:
    runs = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
    runs.ListFlowRuns(flow_run_service_pb2.ListFlowRunsRequest())
    for id, code in ((new_id(), "NOT_FOUND"), ("x", "INVALID_ARGUMENT")):
        with pytest.raises(grpc.RpcError) as raised:
            runs.GetFlowRun(flow_run_service_pb2.GetFlowRunRequest(id=id))
        assert refusal_of(raised.value).code.name == code
    ended = "antiphon_grpc_requests_total"
    # The status is sent before the call is over for the server.
    until(lambda: scrape(server).value(ended, method="FlowRunService/GetFlowRun", code="INVALID_ARGUMENT") == 1)
    said = scrape(server)
    assert said.value(ended, method="FlowRunService/ListFlowRuns", code="OK") == 1
    for code in ("NOT_FOUND", "INVALID_ARGUMENT"):
        assert said.value(ended, method="FlowRunService/GetFlowRun", code=code) == 1
    assert said.value("antiphon_grpc_request_duration_seconds_count", method="FlowRunService/GetFlowRun") == 2


def test_a_stream_is_in_flight_until_it_is_cancelled(server: RunningServer) -> None:
    def in_flight() -> float:
        return scrape(server).value("antiphon_grpc_requests_in_flight", method="FlowRunService/AwaitFlowRun")

    runs = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
    session = HandSession(server.channel)
    run_id = session.create_flow_run()
    session.propose(run_id, "PENDING")
    said = scrape(server)
    assert said.value("antiphon_grpc_requests_in_flight", method="SessionService/Attach") == 1
    assert not said.series("antiphon_grpc_request_duration_seconds_count"), "streams last as long as they are wanted"
    waiting = runs.AwaitFlowRun.future(
        flow_run_service_pb2.AwaitFlowRunRequest(id=run_id, wait_timeout=Duration(seconds=60))
    )
    until(lambda: in_flight() == 1)
    waiting.cancel()
    until(lambda: in_flight() == 0)
    cancelled = {"method": "FlowRunService/AwaitFlowRun", "code": "CANCELLED"}
    assert scrape(server).value("antiphon_grpc_requests_total", **cancelled) == 1
    session.close()


def test_names_that_nobody_has_make_no_series(server: RunningServer) -> None:
    for method in ("/antiphon.v1.FlowRunService/Nothing", "/antiphon.v1.Nothing/Get", "/other/Get"):
        with pytest.raises(grpc.RpcError):
            server.channel.unary_unary(method)(b"")
    assert not scrape(server).series("antiphon_grpc_requests_total")


def test_services_and_readers(server: RunningServer) -> None:
    server.run(server.server.sweeper.sweep)
    said = scrape(server)
    services = {each["service"] for each in said.series("antiphon_service_rounds_total")}
    assert {"sessions", "deadlines", "scheduler"} <= services
    assert said.value("antiphon_service_rounds_total", service="sessions") >= 1
    assert said.value("antiphon_service_leading", service="sessions") == 1
    assert said.value("antiphon_service_interval_seconds", service="sessions") == 5
    assert said.value("antiphon_service_last_round_time_seconds", service="sessions") > 1e9
    assert scrape(server).value("antiphon_readers") > 0, "known from the first query on, which a scrape is too"


def test_runs_that_wait_for_a_worker(server: RunningServer) -> None:
    session = HandSession(server.channel)
    run_id = session.create_task_run("")
    verdict = session.propose(run_id, "SCHEDULED", task=True, state={"details": StateDetails(deferred=True)})
    assert verdict.state.details.deferred, verdict
    server.clock.advance(30)
    said = scrape(server)
    assert said.value("antiphon_runs_due", kind="task_run") == 1
    assert 30 <= said.value("antiphon_runs_due_oldest_seconds", kind="task_run") < 60
    assert said.value("antiphon_runs_due", kind="flow_run") == 0
    session.close()


def test_what_is_exported_is_what_the_catalogue_says(server: RunningServer) -> None:
    World(server).fill()
    said = scrape(server)
    ours = {family.name: family for family in said.families if family.name.startswith("antiphon_")}
    created = {name for name in ours if name.endswith("_created")}
    assert ours.keys() - created == {metric.name for metric in catalogue.ALL}
    for metric in catalogue.ALL:
        family = ours[metric.name]
        assert (family.type, family.documentation) == (metric.type.value, metric.meaning)
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == metric.labels.keys(), metric.name
        if metric.type is not Type.HISTOGRAM:
            assert {sample.name for sample in family.samples} <= {metric.exported}
    assert said.value("process_resident_memory_bytes") > 0


def test_counters_are_told_though_the_database_does_not_answer(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_figures(now: int) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(server.server.reader, "figures", no_figures)
    said = scrape(server)
    assert said.value("antiphon_scrapes_incomplete_total") == 1
    assert said.value("antiphon_commit_duration_seconds_count") > 0
    assert not said.has("antiphon_sessions_active"), "no number is better than a wrong one"


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"cannot serve metrics on {address}: .*Is the port taken"):
            RunningServer(tmp_path, metrics=address).__enter__()


def test_nobody_listens_once_the_server_has_stopped(tmp_path: Path) -> None:
    with RunningServer(tmp_path, metrics="127.0.0.1:0") as running:
        address = running.server.exporter.address
        assert Scraped(address).names
    with pytest.raises(OSError):
        Scraped(address)


def test_without_metrics_nothing_is_counted(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as running:
        assert running.server.exporter is None
        stub = session_service_pb2_grpc.SessionServiceStub(running.channel)
        stub.OpenSession(session_service_pb2.OpenSessionRequest(request_id=new_id(), hello={"client": "test"}))
        assert running.server.core._writer.counting is False

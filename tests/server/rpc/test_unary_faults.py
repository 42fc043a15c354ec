"""Unary calls in bad weather: bytes that are no message, clocks that are wrong, calls sent twice, a full disk."""

import base64
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from antiphon.v1 import flow_run_service_pb2, log_service_pb2, transition_service_pb2
from antiphon_server.rpc import interceptors
from hand_session import new_id, proposal
from in_writer import in_writer, pragma
from stores import only_sqlite
from world import MISSING, World, mask, opened, proposed

MIB = 1024 * 1024
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_a_request_id_is_remembered_for_a_day(world: World) -> None:
    server = world.server
    request = {"flowRun": {"flowName": "etl"}, "requestId": new_id()}
    first = world.call("CreateFlowRun", request)
    server.clock.advance(23 * 3600)
    server.run(server.server.sweeper.sweep)
    assert world.call("CreateFlowRun", request) == first
    server.clock.advance(3600 + 1)
    server.run(server.server.sweeper.sweep)
    assert world.call("CreateFlowRun", request).flow_run.id != first.flow_run.id


def test_a_session_is_opened_once_for_a_request_id(world: World) -> None:
    request = {"hello": {"client": "cron"}, "requestId": new_id()}
    first = world.call("OpenSession", request)
    assert world.call("OpenSession", request) == first
    resumed = {"hello": {"resumeToken": first.welcome.resume_token}, "requestId": new_id()}
    again = world.call("OpenSession", resumed)
    assert again.welcome.epoch == world.call("OpenSession", resumed).welcome.epoch == 2
    assert [each.epoch for each in world.call("ListSessions").sessions if each.client == ""] == [2]
    refusal = world.refused("OpenSession", {**request, "hello": {"client": "another"}})
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_lines_are_stored_once_for_a_request_id(world: World) -> None:
    before = len(world.call("ListLogs").logs)
    request = {"logs": [{"message": "once", "createTime": "2026-01-01T00:00:00Z"}], "requestId": new_id()}
    for _ in range(2):
        world.call("CreateLogs", request)
    assert len(world.call("ListLogs").logs) == before + 1


@pytest.mark.parametrize(
    ("name", "request_", "code", "reason"),
    [
        (
            "UpdateFlowRun",
            lambda w: mask("flowRun", w.run, "x" * 4000),
            INVALID,
            "UPDATE_MASK_INVALID",
        ),
        ("UpdateFlowRun", lambda w: mask("flowRun", w.run, etag="x" * 50_000), INVALID, "FIELD_INVALID"),
        ("CreateFlow", lambda w: {"flow": {"name": "\U0001f600" * 500}}, grpc.StatusCode.ALREADY_EXISTS, "FLOW_EXISTS"),
    ],
)
def test_long_texts_in_errors_do_not_hide_them(
    world: World, name: str, request_: Callable[[World], dict[str, Any]], code: grpc.StatusCode, reason: str
) -> None:
    if name == "CreateFlow":
        world.call(name, request_(world))
    refusal = world.refused(name, request_(world))
    assert (refusal.code, refusal.reason) == (code, reason)


def test_answers_in_one_exchange_are_bounded(world: World) -> None:
    session = opened(world)
    data = {"metadata": {"encoding": "json/plain"}, "data": base64.b64encode(b"x" * 500_000).decode()}
    runs = [new_id() for _ in range(40)]
    for number, run in enumerate(runs):
        frames = [
            {"createFlowRun": {"id": run, "flowName": "f"}},
            {"proposal": proposed(run, "RUNNING")},
            {"proposal": {**proposed(run, "COMPLETED"), "state": {"type": "STATE_TYPE_COMPLETED", "data": data}}},
        ]
        numbered = [{"sequence": 3 * number + i, **frame} for i, frame in enumerate(frames, 1)]
        world.call("ExchangeFrames", {**session, "frames": numbered})
    again = [{"sequence": 121 + i, "proposal": proposed(run, "RUNNING")} for i, run in enumerate(runs)]
    for _ in range(2):
        answer = world.call("ExchangeFrames", {**session, "frames": again})
        verdicts = [frame.verdict.verdict for frame in answer.frames if frame.HasField("verdict")]
        assert [(each.kind, each.state.name) for each in verdicts] == [(2, "Completed")] * 40
        assert [each.state.HasField("data") for each in verdicts] == [True] * 4 + [False] * 36
        assert answer.ByteSize() < 3 * MIB
    assert len(world.call("GetFlowRun", {"id": runs[-1]}).flow_run.state.data.data) == 500_000


def test_bytes_that_are_no_message_are_refused(world: World) -> None:
    refusal = world.refused("GetFlowRun", b"\xff\xff\xff")
    assert (refusal.code, refusal.reason) == (INVALID, "MESSAGE_INVALID")
    assert "/antiphon.v1.FlowRunService/GetFlowRun" in refusal.message


def test_a_text_that_is_no_utf8_is_refused(world: World) -> None:
    assert world.refused("CreateFlow", b"\x0a\x03\x12\x01\xff").reason == "MESSAGE_INVALID"


def test_fields_of_another_release_are_kept_out(world: World) -> None:
    unknown = b"\xc2\x3e\x04junk"  # field 1000, a text
    run = flow_run_service_pb2.CreateFlowRunRequest()
    run.flow_run.flow_name = "etl"
    run.flow_run.MergeFromString(unknown)
    created = world.call("CreateFlowRun", run.SerializeToString() + unknown)
    assert created.flow_run.flow_name == "etl"
    assert b"junk" not in created.SerializeToString()
    asked = transition_service_pb2.ProposeTransitionRequest(proposal=proposal(created.flow_run.id, "RUNNING"))
    asked.proposal.state.MergeFromString(unknown)
    asked.proposal.state.details.MergeFromString(unknown)
    verdict = world.call("ProposeTransition", asked)
    assert verdict.verdict.state.name == "Running"
    for answer in (verdict, world.call("ListFlowRunStates", {"id": created.flow_run.id})):
        assert b"junk" not in answer.SerializeToString()


def test_what_is_too_large_is_refused_and_the_server_lives_on(world: World) -> None:
    run = flow_run_service_pb2.CreateFlowRunRequest()
    run.flow_run.flow_name = "etl"
    run.flow_run.parameters.data = b"x" * (512 * 1024 + 1)
    refusal = world.refused("CreateFlowRun", run)
    assert (refusal.code, refusal.fields) == (INVALID, ("flow_run.parameters.data",))
    run.flow_run.parameters.data = b"x" * (512 * 1024)
    assert world.call("CreateFlowRun", run).flow_run.parameters == run.flow_run.parameters
    run.flow_run.parameters.data = b"x" * (17 * MIB)
    with pytest.raises(grpc.RpcError) as refused:  # By the library, which reads no such message.
        world.call("CreateFlowRun", run)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.id == world.run


def test_many_wrong_fields_are_told_in_a_bounded_answer(world: World) -> None:
    refusal = world.refused("CreateLogs", {"logs": [{"level": -1}] * 1000})
    assert len(refusal.fields) == 20
    assert refusal.message.startswith("2000 fields are wrong: logs[0].level: ")


@pytest.mark.parametrize(
    ("name", "request_", "field"),
    [
        (
            "CreateLogs",
            log_service_pb2.CreateLogsRequest(
                logs=[{"create_time": {"seconds": 1}}, {"create_time": {"nanos": 1_000_000_000}}]
            ),
            "logs[1].create_time",
        ),
        (
            "CreateFlowRun",
            flow_run_service_pb2.CreateFlowRunRequest(
                flow_run={"flow_name": "f", "retry_policy": {"max_retries": 1, "delays": [{"nanos": 1_000_000_000}]}}
            ),
            "flow_run.retry_policy.delays[0]",
        ),
        (
            "ProposeTransition",
            transition_service_pb2.ProposeTransitionRequest(
                proposal={
                    "transition_id": MISSING,
                    "flow_run_id": MISSING,
                    "state": {"type": 1, "details": {"scheduled_time": {"seconds": 253_402_300_800}}},  # type: ignore[typeddict-item]
                }
            ),
            "proposal.state.details.scheduled_time",
        ),
    ],
)
def test_times_that_cannot_be_are_refused(world: World, name: str, request_: Any, field: str) -> None:
    refusal = world.refused(name, request_)
    assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "TIME_INVALID", (field,))


def test_the_year_9999_is_a_time(world: World) -> None:
    last = "9999-12-31T23:59:59.999999Z"
    asked = proposed(world.run, "SCHEDULED", state={"details": {}})
    asked["state"]["details"] = {"scheduledTime": last}
    assert world.call("ProposeTransition", {"proposal": asked}).verdict.state.HasField("details")
    run = world.call("GetFlowRun", {"id": world.run}).flow_run
    assert run.next_scheduled_start_time.ToJsonString() == last


@pytest.mark.parametrize(
    ("filter", "says"),
    [
        ("name = one AND size > 3", "column 16"),
        ("name = one AND (name", "column 17"),
        ("create_time > 2026-01-01T00:00:00", "time zone"),
        ("run_count > 99999999999999999999", "run_count"),
        ("state.type = SLEEPING", "SLEEPING"),
    ],
)
def test_a_wrong_filter_is_told_where_and_why(world: World, filter: str, says: str) -> None:
    refusal = world.refused("ListFlowRuns", {"filter": filter})
    assert (refusal.reason, refusal.fields) == ("FILTER_INVALID", ("filter",))
    assert says in refusal.message


def test_pages_walk_on_and_tokens_hold_for_their_question_alone(world: World) -> None:
    ids = [world.call("CreateFlowRun", {"flowRun": {"flowName": "many"}}).flow_run.id for _ in range(5)]
    question = {"filter": "flow_name = many", "orderBy": "create_time", "pageSize": 2}
    seen: list[str] = []
    token = ""
    for _ in range(3):
        page = world.call("ListFlowRuns", {**question, "pageToken": token})
        seen += [run.id for run in page.flow_runs]
        token = page.next_page_token or token
    assert seen == ids
    assert not page.next_page_token
    for other in ({"filter": ""}, {"orderBy": "create_time desc"}):
        refusal = world.refused("ListFlowRuns", {**question, "pageToken": token, **other})
        assert refusal.reason == "PAGE_TOKEN_INVALID"
    assert world.refused("ListTaskRuns", {"pageToken": token}).reason == "PAGE_TOKEN_INVALID"


def test_a_request_sent_again_gets_its_first_answer(world: World) -> None:
    once = {"requestId": new_id()}
    create = {"flowRun": {"flowName": "etl"}, **once}
    first = world.call("CreateFlowRun", create)
    world.propose(first.flow_run.id, "RUNNING")
    assert world.call("CreateFlowRun", create) == first
    refusal = world.refused("CreateFlowRun", {"flowRun": {"flowName": "other"}, **once})
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert world.refused("DeleteFlowRun", {"id": world.run, **once}).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("UpdateFlowRun", lambda w: mask("flowRun", w.run, "name", name="two")),
        ("UpdateTaskRun", lambda w: mask("taskRun", w.task, "name", name="two")),
        ("UpdateFlow", lambda w: mask("flow", w.flow)),
        ("CreateTaskRun", lambda w: {"taskRun": {"taskKey": "t"}}),
        ("CreateFlow", lambda w: {"flow": {"name": "new"}}),
        ("CancelFlowRun", lambda w: {"id": w.run}),
        ("BulkCancelFlowRuns", lambda w: {"all": True}),
        ("BulkDeleteFlowRuns", lambda w: {"filter": "name = one"}),
        ("BulkRetryFlowRuns", lambda w: {"filter": "name = one"}),
        ("BulkSetFlowRunState", lambda w: {"all": True, "state": {"type": "STATE_TYPE_FAILED"}}),
        ("DeleteTaskRun", lambda w: {"id": w.task}),
        ("DeleteFlowRun", lambda w: {"id": w.run}),
        ("DeleteFlow", lambda w: {"id": w.flow}),
        ("CreateConcurrencyLimit", lambda w: {"concurrencyLimit": {"name": "new"}}),
        ("UpdateConcurrencyLimit", lambda w: {"concurrencyLimit": {"id": w.limit, "limit": 9}, "updateMask": "limit"}),
        ("ResetConcurrencyLimit", lambda w: {"id": w.limit}),
        ("DeleteConcurrencyLimit", lambda w: {"id": w.limit}),
        ("CreateDeployment", lambda w: {"deployment": {"name": "new", "flowName": "new", "concurrencyLimit": 1}}),
        ("UpdateDeployment", lambda w: mask("deployment", w.deployment)),
        ("PauseDeployment", lambda w: {"id": w.deployment}),
        ("ResumeDeployment", lambda w: {"id": w.deployment}),
        ("DeleteDeployment", lambda w: {"id": w.deployment}),
        ("CreateWorkPool", lambda w: {"workPool": {"name": "new", "type": "process"}}),
        ("UpdateWorkPool", lambda w: {"workPool": {"id": w.pool, "paused": True}, "updateMask": "paused"}),
        ("DeleteWorkPool", lambda w: {"id": w.pool}),
        ("CreateWorkQueue", lambda w: {"workQueue": {"name": "new", "workPoolId": w.pool}}),
        ("UpdateWorkQueue", lambda w: {"workQueue": {"id": w.queue, "priority": 0}, "updateMask": "priority"}),
        ("DeleteWorkQueue", lambda w: {"id": w.queue}),
        ("CreateArtifact", lambda w: {"artifact": {"key": "report", "data": "new"}}),
        ("UpdateArtifact", lambda w: {"artifact": {"id": w.artifact, "data": "new"}, "updateMask": "data"}),
        ("DeleteArtifact", lambda w: {"id": w.artifact}),
        ("CreateVariable", lambda w: {"variable": {"name": "new", "value": "1"}}),
        ("SetVariable", lambda w: {"variable": {"name": "new", "value": "1"}}),
        ("UpdateVariable", lambda w: {"variable": {"id": w.variable, "value": "1"}, "updateMask": "value"}),
        ("DeleteVariable", lambda w: {"name": "db_url"}),
    ],
)
def test_every_mutation_may_be_sent_again(world: World, name: str, ask: Callable[[World], dict[str, Any]]) -> None:
    request = {**ask(world), "requestId": new_id()}
    assert world.call(name, request) == world.call(name, request)


def test_a_proposal_sent_again_gets_its_verdict_again(world: World) -> None:
    asked = {"proposal": proposed(world.run, "RUNNING")}
    first = world.call("ProposeTransition", asked)
    world.propose(world.run, "COMPLETED")
    assert world.call("ProposeTransition", asked) == first
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.run_count == 1


def test_logs_sent_again_add_nothing(world: World) -> None:
    line = {"id": new_id(), "message": "once", "createTime": "2026-01-02T00:00:00Z"}
    world.call("CreateLogs", {"logs": [line]})
    world.call("CreateLogs", {"logs": [line, {"message": "new", "createTime": "2026-01-03T00:00:00Z"}]})
    assert [each.message for each in world.call("ListLogs").logs] == ["hello", "once", "new"]


def test_a_call_without_end_is_ended_and_what_it_asked_for_happens_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interceptors, "LONGEST_CALL", 0.1)
    release = threading.Event()
    held = threading.Thread(target=in_writer, args=(world.server, lambda _: release.wait(20)))
    held.start()
    create = {"flowRun": {"flowName": "slow"}, "requestId": new_id()}
    refusal = world.refused("CreateFlowRun", create)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert "same request_id" in refusal.message
    release.set()
    held.join(20)
    run = world.call("CreateFlowRun", create).flow_run
    assert [each.id for each in world.call("ListFlowRuns", {"filter": "flow_name = slow"}).flow_runs] == [run.id]


def test_a_caller_that_waits_no_longer_gets_its_deadline(world: World) -> None:
    release = threading.Event()
    held = threading.Thread(target=in_writer, args=(world.server, lambda _: release.wait(20)))
    held.start()
    with pytest.raises(grpc.RpcError) as ended:
        world.call("CreateFlowRun", {"flowRun": {"flowName": "slow"}}, timeout=0.2)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    release.set()
    held.join(20)


@only_sqlite
def test_on_a_full_disk_writes_are_refused_and_reads_go_on(world: World) -> None:
    pages = pragma(world.server, "page_count")
    pragma(world.server, f"max_page_count={pages}")
    large = flow_run_service_pb2.CreateFlowRunRequest()
    large.flow_run.flow_name = "large"
    large.flow_run.parameters.data = b"x" * 100_000
    refusal = world.refused("CreateFlowRun", large)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
    assert refusal.retry_after == timedelta(seconds=1)
    assert world.call("ListFlowRuns").flow_runs[0].id == world.run
    assert world.call("ListFlows", {"filter": "name = large"}).flows == []
    pragma(world.server, "max_page_count=1000000")
    assert world.call("CreateFlowRun", large).flow_run.flow_name == "large"


def test_an_unknown_method_is_unimplemented(world: World) -> None:
    for path in ("/antiphon.v1.FlowRunService/Nothing", "/antiphon.v9.NoService/Nothing", "/x"):
        with pytest.raises(grpc.RpcError) as refused:
            world.server.channel.unary_unary(path)(b"")
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED

"""PauseFlowRun, SuspendFlowRun, ResumeFlowRun and inputs, on a real server."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import flow_run_service_pb2_grpc, state_pb2
from antiphon_server.application.pausing import CheckedInput, ResumeFlowRun
from antiphon_server.domain.errors import Aborted
from antiphon_server.storage import tables
from hand_session import HandSession, new_id
from in_writer import in_writer
from refusals import DETAILS_KEY
from running_server import FrozenClock, RunningServer
from world import MISSING, World

FAILED_PRECONDITION, INVALID = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT
PAUSED, RUNNING, FAILED, SCHEDULED = (
    state_pb2.STATE_TYPE_PAUSED,
    state_pb2.STATE_TYPE_RUNNING,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_SCHEDULED,
)
ACCEPT, REJECT, WAIT, ABORT = 1, 2, 3, 4
NUMBER = '{"type": "object", "properties": {"n": {"type": "integer"}}}'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with RunningServer(tmp_path, clock=FrozenClock()) as server:
        yield World(server)


@pytest.fixture
def session(world: World) -> Iterator[HandSession]:
    session = HandSession(world.server.channel)
    yield session
    session.cut()


def json_payload(value: Any) -> dict[str, Any]:
    return {"metadata": {"encoding": "json/plain"}, "data": base64.b64encode(json.dumps(value).encode()).decode()}


def running(world: World, **fields: Any) -> str:
    """A run that nobody holds."""
    id: str = world.call("CreateFlowRun", {"flowRun": {"flowName": "f", **fields}}).flow_run.id
    world.propose(id, "RUNNING")
    return id


def held(session: HandSession, **fields: Any) -> str:
    id = session.create_flow_run(**fields)
    assert session.propose(id, "RUNNING").kind == ACCEPT
    return id


def deployment(world: World, slots: int = 0) -> str:
    """The SDK and the contract have no deployments yet; with `slots`, one with a limit."""
    id = new_id()
    row = {"id": id, "name": "d", "flow_id": new_id(), "paused": False, "collision_strategy": 1, "tags": "[]"}
    limit = {"id": new_id(), "name": f"deployment:{id}", "slots": slots, "active": True, "slot_decay_per_second": 0}
    times = {"create_time": 1, "update_time": 1, "version": 1}

    def act(working_set: Any) -> None:
        working_set.connection.execute(tables.deployments.insert(), {**row, **times})
        if slots:
            working_set.connection.execute(
                tables.concurrency_limits.insert(), {**limit, "average_occupancy": 1_000_000, **times}
            )

    in_writer(world.server, act)
    return id


def rule_of(world: World, method: str, request: Any) -> str:
    """The rule that the ErrorInfo of a refusal names."""
    stub = flow_run_service_pb2_grpc.FlowRunServiceStub(world.server.channel)
    with pytest.raises(grpc.RpcError) as refused:
        getattr(stub, method)(request)
    status = status_pb2.Status.FromString(dict(refused.value.trailing_metadata())[DETAILS_KEY])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.metadata["rule"])


def test_a_run_is_paused_and_goes_on(world: World) -> None:
    run = running(world)
    request = {"id": run, "timeout": "60s", "pauseKey": "k", "inputSchema": NUMBER, "reason": "look first"}
    paused = world.call("PauseFlowRun", request).flow_run
    state = paused.state
    assert (state.type, state.name, state.message) == (PAUSED, "Paused", "look first")
    assert (state.details.pause_key, state.details.input_schema) == ("k", NUMBER)
    assert not state.details.pause_reschedule
    assert state.details.pause_expire_time.seconds == state.create_time.seconds + 60
    assert paused.deadline_time == state.details.pause_expire_time
    resumed = world.call("ResumeFlowRun", {"id": run, "input": json_payload({"n": 1})}).flow_run
    assert (resumed.state.type, resumed.run_count, resumed.resuming) == (RUNNING, 1, False)
    assert not resumed.HasField("deadline_time")
    told = world.call("GetFlowRunInput", {"flowRunId": run, "key": "k"}).flow_run_input
    assert (told.flow_run_id, told.key, json.loads(told.value.data)) == (run, "k", {"n": 1})


def test_without_a_timeout_and_a_key(world: World) -> None:
    run = running(world)
    state = world.call("PauseFlowRun", {"id": run}).flow_run.state
    assert not state.details.HasField("pause_expire_time")
    world.call("ResumeFlowRun", {"id": run, "input": json_payload("unasked")})
    (told,) = world.call("ListFlowRunInputs", {"flowRunId": run}).flow_run_inputs
    assert told.key == state.id


def test_a_timeout_beyond_all_times_is_as_long_as_can_be(world: World) -> None:
    state = world.call("PauseFlowRun", {"id": running(world), "timeout": "315576000000s"}).flow_run.state
    assert state.details.pause_expire_time.ToDatetime().year == 9999


@pytest.mark.parametrize("method", ["PauseFlowRun", "SuspendFlowRun"])
def test_what_cannot_be_asked(world: World, method: str) -> None:
    run = running(world)
    refusal = world.refused(method, {"id": run, "inputSchema": '{"type": "nothing"}'})
    assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "INPUT_SCHEMA_INVALID", ("input_schema",))
    assert world.refused(method, {"id": run, "timeout": "-1s"}).fields == ("timeout",)
    assert world.refused(method, {"id": "x"}).reason == "FIELD_INVALID"
    assert world.refused(method, {"id": MISSING}).reason == "FLOW_RUN_NOT_FOUND"
    assert world.call("GetFlowRun", {"id": run}).flow_run.state.type == RUNNING


@pytest.mark.parametrize("on_session", [False, True])
def test_a_proposal_with_a_wrong_schema_is_refused(world: World, session: HandSession, on_session: bool) -> None:
    state = {"state": {"details": {"input_schema": "{"}}}
    if on_session:
        status = session.propose(held(session), "PAUSED", **state)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info) and info.reason == "INPUT_SCHEMA_INVALID"
    else:
        proposal = {"transitionId": new_id(), "flowRunId": running(world)}
        details = {"type": "STATE_TYPE_PAUSED", "details": {"inputSchema": "{"}}
        refusal = world.refused("ProposeTransition", {"proposal": {**proposal, "state": details}})
        assert (refusal.code, refusal.reason) == (INVALID, "INPUT_SCHEMA_INVALID")


def test_the_rule_that_refuses_is_named(world: World) -> None:
    run = running(world)
    world.call("PauseFlowRun", {"id": run, "pauseKey": "k"})
    refusal = world.refused("PauseFlowRun", {"id": run, "pauseKey": "other"})
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "PAUSE_REFUSED")
    assert rule_of(world, "PauseFlowRun", pb.PauseFlowRunRequest(id=run)) == "LawfulMove"
    world.call("ResumeFlowRun", {"id": run})
    again = world.refused("PauseFlowRun", {"id": run, "pauseKey": "k"})
    assert again.reason == "PAUSE_REFUSED" and "pause with another key" in again.message
    assert rule_of(world, "PauseFlowRun", pb.PauseFlowRunRequest(id=run, pause_key="k")) == "PauseOnce"
    assert world.refused("SuspendFlowRun", {"id": run}).reason == "SUSPEND_REFUSED"
    assert rule_of(world, "SuspendFlowRun", pb.SuspendFlowRunRequest(id=run)) == "PauseOnce"


def test_what_is_refused_leaves_no_trace(world: World) -> None:
    run = running(world)

    def rows() -> int:
        count = "SELECT (SELECT count(*) FROM transitions) + (SELECT count(*) FROM flow_run_inputs)"
        return int(in_writer(world.server, lambda it: it.connection.exec_driver_sql(count).scalar_one()))

    before = rows()
    world.refused("SuspendFlowRun", {"id": run})
    world.refused("ResumeFlowRun", {"id": run, "input": json_payload(1)})
    assert rows() == before


def test_what_cannot_be_resumed(world: World) -> None:
    run = running(world)
    refusal = world.refused("ResumeFlowRun", {"id": run})
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "RUN_NOT_PAUSED")
    assert world.refused("ResumeFlowRun", {"id": MISSING}).reason == "FLOW_RUN_NOT_FOUND"
    world.call("PauseFlowRun", {"id": run, "inputSchema": NUMBER})
    wrong = world.refused("ResumeFlowRun", {"id": run, "input": json_payload({"n": "x"})})
    assert (wrong.code, wrong.reason, wrong.fields) == (INVALID, "INPUT_INVALID", ("input.n",))
    assert world.refused("ResumeFlowRun", {"id": run}).reason == "INPUT_INVALID"
    assert world.call("GetFlowRun", {"id": run}).flow_run.state.type == PAUSED
    assert not world.call("ListFlowRunInputs", {"flowRunId": run}).flow_run_inputs


@pytest.mark.parametrize("is_held", [False, True])
def test_a_pause_whose_time_is_over_fails_its_run(world: World, session: HandSession, is_held: bool) -> None:
    run = held(session) if is_held else running(world)
    pause = world.call("PauseFlowRun", {"id": run, "timeout": "10s"}).flow_run.state
    world.server.clock.advance(11)
    request = {"id": run, "requestId": new_id()}
    refusal = world.refused("ResumeFlowRun", request)
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "PAUSE_EXPIRED")
    assert world.refused("ResumeFlowRun", request) == refusal
    state = world.call("GetFlowRun", {"id": run}).flow_run.state
    assert state.type == FAILED and "not ended in time" in state.message
    if is_held:
        told = [session.next("command").command for _ in range(2)]
        assert [each.WhichOneof("body") for each in told] == ["pause_run", "resume_run"]
        verdict = session.propose(run, "RUNNING", expected_state_id=pause.id)
        assert (verdict.kind, verdict.state.type) == (ABORT, FAILED)


def test_the_holder_is_told_and_goes_on(world: World, session: HandSession) -> None:
    run = held(session)
    pause = world.call("PauseFlowRun", {"id": run, "timeout": "10s", "reason": "stop"}).flow_run.state
    told = session.next("command").command.pause_run
    assert (told.flow_run_id, told.state_id, told.reason) == (run, pause.id, "stop")
    task = session.create_task_run(run)
    put_off = session.propose(task, "RUNNING", task=True)
    assert (put_off.kind, put_off.state.name) == (REJECT, "NotReady")
    resumed = world.call("ResumeFlowRun", {"id": run}).flow_run
    assert (resumed.state.id, resumed.resuming, resumed.session_id) == (pause.id, True, session.welcome.session_id)
    assert session.next("command").command.resume_run.state_id == pause.id
    assert world.refused("ResumeFlowRun", {"id": run}).reason == "RUN_NOT_PAUSED"
    world.server.clock.advance(60)
    verdict = session.propose(run, "RUNNING", expected_state_id=pause.id)
    assert (verdict.kind, verdict.run_count) == (ACCEPT, 1), "what was ended in time does not expire on the way"
    assert session.propose(task, "RUNNING", task=True).kind == ACCEPT


def test_a_command_waits_for_a_holder_that_was_cut_off(world: World, session: HandSession) -> None:
    run = held(session)
    session.cut()
    pause = world.call("PauseFlowRun", {"id": run}).flow_run.state
    world.call("ResumeFlowRun", {"id": run})
    again = HandSession(world.server.channel, session.welcome.resume_token)
    told = [again.next("command").command for _ in range(2)]
    assert [each.WhichOneof("body") for each in told] == ["pause_run", "resume_run"]
    assert told[1].resume_run.state_id == pause.id
    again.cut()


def test_a_holder_may_have_to_wait_for_a_slot(world: World, session: HandSession) -> None:
    there = deployment(world, slots=1)
    run = held(session, deployment_id=there)
    pause = session.propose(run, "PAUSED").state
    other = world.call("CreateFlowRun", {"flowRun": {"flowName": "f", "deploymentId": there}}).flow_run.id
    assert world.propose(other, "RUNNING").kind == ACCEPT, "the slot of a paused run is free"
    assert world.call("ResumeFlowRun", {"id": run}).flow_run.resuming
    assert session.propose(run, "RUNNING", expected_state_id=pause.id).kind == WAIT
    world.propose(other, "COMPLETED")
    assert session.next("verdict").verdict.verdict.kind == ACCEPT


def test_a_run_that_nobody_holds_is_not_resumed_without_a_slot(world: World) -> None:
    there = deployment(world, slots=1)
    run = running(world, deploymentId=there)
    world.call("PauseFlowRun", {"id": run})
    other = running(world, deploymentId=there)
    refusal = world.refused("ResumeFlowRun", {"id": run})
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "RESUME_REFUSED")
    assert rule_of(world, "ResumeFlowRun", pb.ResumeFlowRunRequest(id=run)) == "TakeSlot"
    world.propose(other, "COMPLETED")
    assert world.call("ResumeFlowRun", {"id": run}).flow_run.state.type == RUNNING


def test_a_run_is_suspended_and_scheduled_anew(world: World, session: HandSession) -> None:
    there = deployment(world, slots=1)
    run = held(session, deployment_id=there)
    suspended = world.call("SuspendFlowRun", {"id": run, "pauseKey": "k", "inputSchema": NUMBER}).flow_run
    assert (suspended.state.type, suspended.state.name, suspended.session_id) == (PAUSED, "Suspended", "")
    assert suspended.state.details.pause_reschedule
    told = session.next("command").command.suspend_run
    assert (told.flow_run_id, told.state_id) == (run, suspended.state.id)
    assert running(world, deploymentId=there), "its slot is free"
    resumed = world.call("ResumeFlowRun", {"id": run, "input": json_payload({"n": 2})}).flow_run
    assert (resumed.state.type, resumed.state.name, resumed.resuming) == (SCHEDULED, "Resuming", True)
    answer = world.call("GetFlowRunInput", {"flowRunId": run, "key": "k"}).flow_run_input
    assert json.loads(answer.value.data) == {"n": 2}


def test_a_suspended_run_whose_deployment_is_gone_is_not_resumed(world: World) -> None:
    run = running(world, deploymentId=deployment(world))
    world.call("SuspendFlowRun", {"id": run})
    in_writer(world.server, lambda it: it.connection.execute(tables.deployments.delete()))
    refusal = world.refused("ResumeFlowRun", {"id": run})
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "RESUME_REFUSED")


def test_a_request_that_is_sent_again_is_answered_as_it_was(world: World, session: HandSession) -> None:
    run = held(session)
    pause, resume = ({"id": run, "requestId": new_id()} for _ in range(2))
    first = world.call("PauseFlowRun", pause)
    assert world.call("PauseFlowRun", pause) == first
    resumed = world.call("ResumeFlowRun", resume)
    session.propose(run, "RUNNING", expected_state_id=first.flow_run.state.id)
    assert world.call("ResumeFlowRun", resume) == resumed
    assert world.call("PauseFlowRun", pause) == first
    assert world.refused("PauseFlowRun", {**pause, "reason": "x"}).reason == "REQUEST_ID_REUSED"


def test_an_answer_that_was_checked_against_another_pause_does_not_count(world: World) -> None:
    run = running(world)
    world.call("PauseFlowRun", {"id": run, "inputSchema": NUMBER})
    stale = ResumeFlowRun(run, CheckedInput(None, new_id()), new_id())
    with pytest.raises(Aborted) as refused:
        world.server.run(lambda: world.server.server.core.run(stale))
    assert refused.value.reason == "STATE_CHANGED"
    assert world.call("GetFlowRun", {"id": run}).flow_run.state.type == PAUSED


def test_inputs_are_listed_page_by_page(world: World) -> None:
    run = running(world)
    for key in ("b", "a", "c"):
        world.call("PauseFlowRun", {"id": run, "pauseKey": key})
        world.call("ResumeFlowRun", {"id": run, "input": json_payload(key)})
    first = world.call("ListFlowRunInputs", {"flowRunId": run, "pageSize": 2})
    assert [each.key for each in first.flow_run_inputs] == ["a", "b"]
    rest = {"flowRunId": run, "pageToken": first.next_page_token}
    second = world.call("ListFlowRunInputs", rest)
    assert [each.key for each in second.flow_run_inputs] == ["c"] and not second.next_page_token
    forged = world.refused("ListFlowRunInputs", {**rest, "flowRunId": running(world)})
    assert forged.reason == "PAGE_TOKEN_INVALID"
    for request, reason in (
        ({"flowRunId": run, "pageSize": -1}, "FIELD_INVALID"),
        ({"flowRunId": MISSING}, "FLOW_RUN_NOT_FOUND"),
    ):
        assert world.refused("ListFlowRunInputs", request).reason == reason
    missing = world.refused("GetFlowRunInput", {"flowRunId": run, "key": "d"})
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "FLOW_RUN_INPUT_NOT_FOUND")
    assert world.refused("GetFlowRunInput", {"flowRunId": MISSING, "key": "d"}).reason == "FLOW_RUN_NOT_FOUND"


def test_a_page_of_large_inputs_is_short(world: World) -> None:
    run = running(world)
    for key in range(6):
        world.call("PauseFlowRun", {"id": run, "pauseKey": str(key)})
        world.call("ResumeFlowRun", {"id": run, "input": json_payload("x" * 500_000)})
    page = world.call("ListFlowRunInputs", {"flowRunId": run})
    assert len(page.flow_run_inputs) == 4 and page.next_page_token
    rest = world.call("ListFlowRunInputs", {"flowRunId": run, "pageToken": page.next_page_token})
    assert [each.key for each in rest.flow_run_inputs] == ["4", "5"]


def test_inputs_go_with_their_run(world: World) -> None:
    run = running(world)
    world.call("PauseFlowRun", {"id": run, "pauseKey": "k"})
    world.call("ResumeFlowRun", {"id": run, "input": json_payload(1)})
    world.call("DeleteFlowRun", {"id": run})
    count = "SELECT count(*) FROM flow_run_inputs"
    assert in_writer(world.server, lambda it: it.connection.exec_driver_sql(count).scalar_one()) == 0

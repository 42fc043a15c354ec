"""The control stream on real sockets: order, memory, epochs, waits, commands, and what goes wrong."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from antiphon.v1 import flow_run_service_pb2 as flow_runs
from antiphon.v1 import (
    flow_run_service_pb2_grpc,
    session_pb2,
    session_service_pb2,
    state_pb2,
    task_run_service_pb2,
    task_run_service_pb2_grpc,
    transition_pb2,
)
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.retry_policy_pb2 import RetryPolicy
from hand_session import new_id
from in_writer import pragma
from refusals import refusal_in
from stores import only_sqlite
from world import World

ACCEPT, REJECT, WAIT, ABORT = 1, 2, 3, 4
Attach = Callable[..., Any]


def reason_of(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "antiphon"
    return str(info.reason)


def end_of(session: Any) -> tuple[grpc.StatusCode, str]:
    """How the stream ended: its code and the ErrorInfo's reason."""
    with pytest.raises(grpc.RpcError) as ended:
        while True:
            next(session.call)
    trailers = dict(ended.value.trailing_metadata())
    return ended.value.code(), reason_of(status_pb2.Status.FromString(trailers["grpc-status-details-bin"]))


def flow_run(server: Any, id: str) -> FlowRun:
    stub = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
    return stub.GetFlowRun(flow_runs.GetFlowRunRequest(id=id)).flow_run


def cancel(server: Any, id: str) -> FlowRun:
    stub = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
    return stub.CancelFlowRun(flow_runs.CancelFlowRunRequest(id=id, reason="enough")).flow_run


def test_a_run_lives_on_the_stream_and_is_read_back(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run(name="one")
    assert [session.propose(run, each).kind for each in ("PENDING", "RUNNING", "COMPLETED")] == [ACCEPT] * 3
    session.acked(session.sequence)
    stored = flow_run(server, run)
    assert (stored.name, stored.state.name, stored.run_count) == ("one", "Completed", 1)
    assert stored.session_id == ""


def test_frames_of_one_message_are_decided_in_order_and_acked_once_committed(attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    frames = [session.durable(proposal=session.proposal(run, each)) for each in ("PENDING", "RUNNING", "COMPLETED")]
    session.say(*frames)
    assert [session.answer(frame.sequence).state.name for frame in frames] == ["Pending", "Running", "Completed"]
    session.acked(frames[-1].sequence)


def test_what_was_not_acked_is_sent_again_and_answered_as_it_was(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    proposal = session.proposal(run, "RUNNING")
    session.say(session.durable(proposal=proposal))
    first = session.answer(session.sequence)
    session.cut()
    again = attach(session.welcome.resume_token)
    assert again.welcome.session_id == session.welcome.session_id
    assert (again.welcome.epoch, again.welcome.committed_sequence) == (2, 2)
    again.say(session_pb2.ClientFrame(sequence=2, proposal=proposal))
    assert again.answer(2) == first
    assert flow_run(server, run).run_count == 1


def test_a_transition_id_with_another_body_is_refused_and_the_stream_lives_on(attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    proposal = session.proposal(run, "RUNNING")
    session.say(session.durable(proposal=proposal))
    assert session.answer(session.sequence).kind == ACCEPT
    status = session.propose(run, "COMPLETED", transition_id=proposal.transition_id)
    assert reason_of(status) == "TRANSITION_ID_REUSED"
    assert session.propose(run, "COMPLETED").kind == ACCEPT


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"proposal": transition_pb2.Proposal(transition_id="no uuid")}, "FIELD_INVALID"),
        ({"create_flow_run": FlowRun(id="0190163d-8694-739b-aea5-966c26f8ad91")}, "FLOW_MISSING"),
        ({"create_flow_run": FlowRun(flow_name="f", tags=[""])}, "FIELD_INVALID"),
        (
            {
                "proposal": transition_pb2.Proposal(
                    transition_id="0190163d-8694-739b-aea5-966c26f8ad90",
                    flow_run_id="0190163d-8694-739b-aea5-966c26f8ad91",
                    state=state_pb2.State(type=42),  # type: ignore[arg-type]
                )
            },
            "FIELD_INVALID",
        ),
        (
            {
                "proposal": transition_pb2.Proposal(
                    transition_id="0190163d-8694-739b-aea5-966c26f8ad90",
                    flow_run_id="0190163d-8694-739b-aea5-966c26f8ad91",
                    state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING),
                )
            },
            "FLOW_RUN_NOT_FOUND",
        ),
    ],
)
def test_one_wrong_item_is_answered_in_band(attach: Attach, frame: dict[str, Any], reason: str) -> None:
    session = attach()
    session.say(session.durable(**frame))
    assert reason_of(session.answer(session.sequence)) == reason
    run = session.create_flow_run()
    assert session.propose(run, "RUNNING").kind == ACCEPT


def test_a_gap_ends_the_stream_and_nothing_behind_it_is_written(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.sequence += 1
    session.say(session.durable(proposal=session.proposal(run, "RUNNING")))
    assert end_of(session) == (grpc.StatusCode.FAILED_PRECONDITION, "SEQUENCE_GAP")
    assert flow_run(server, run).run_count == 0
    assert attach(session.welcome.resume_token).welcome.committed_sequence == 1


def test_a_second_attach_takes_over_and_the_first_is_fenced_off(attach: Attach) -> None:
    session = attach()
    taker = attach(session.welcome.resume_token)
    assert end_of(session) == (grpc.StatusCode.ABORTED, "SESSION_SUPERSEDED")
    run = taker.create_flow_run()
    assert taker.propose(run, "RUNNING").kind == ACCEPT


@pytest.mark.parametrize("token", ["forged", "0190163d-8694-739b-aea5-966c26f8ad91.abcdef"])
def test_a_forged_token_is_refused(server: Any, attach: Attach, token: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        attach(token)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_stream_begins_with_hello(server: Any) -> None:
    from_hand = session_service_pb2.AttachRequest(frames=[session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat())])
    call = server.channel.stream_stream(
        "/antiphon.v1.SessionService/Attach",
        request_serializer=session_service_pb2.AttachRequest.SerializeToString,
        response_deserializer=session_service_pb2.AttachResponse.FromString,
    )(iter([from_hand]))
    with pytest.raises(grpc.RpcError) as refused:
        next(call)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_session_that_stays_away_loses_its_runs_and_its_voice(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    task = session.create_task_run(run)
    session.propose(task, "RUNNING", task=True)
    session.cut()
    lost: list[str] = []
    for _ in range(10):  # The cut is a last sign of life, whenever it is noticed.
        server.clock.advance(8)
        lost += server.run(server.server.sweeper.sweep)
    assert lost == [session.welcome.session_id]
    assert flow_run(server, run).state.name == "Crashed"
    with pytest.raises(grpc.RpcError) as refused:
        attach(session.welcome.resume_token)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_a_clock_that_is_set_forward_takes_nobodys_run(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    server.clock.advance(3600)
    assert server.run(server.server.sweeper.sweep) == []
    assert session.propose(run, "COMPLETED").kind == ACCEPT


@only_sqlite
def test_a_full_disk_takes_nobodys_run(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    pragma(server, f"max_page_count={pragma(server, 'page_count')}")
    large = FlowRun(id=new_id(), flow_name="large", parameters={"data": b"x" * 100_000})
    session.say(session.durable(create_flow_run=large))
    assert end_of(session)[1] == "STORAGE_FULL"
    for _ in range(3):  # Rounds in which there is nothing to write succeed.
        server.clock.advance(9)
        server.run(server.server.sweeper.sweep)
    pragma(server, "max_page_count=1000000")
    server.clock.advance(9)
    assert server.run(server.server.sweeper.sweep) == []
    assert attach(session.welcome.resume_token).propose(run, "COMPLETED").kind == ACCEPT


def test_a_heartbeat_keeps_a_session_alive(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    for _ in range(6):
        server.clock.advance(9)
        session.say(session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat()))
        session.next("heartbeat_ack")
        assert server.run(server.server.sweeper.sweep) == []
    assert flow_run(server, run).state.name == "Running"


def test_the_verdict_after_a_wait_is_pushed(server: Any, attach: Attach) -> None:
    session = attach()
    policy = RetryPolicy(max_retries=1)
    policy.delays.add().FromMilliseconds(50)
    run = session.create_flow_run(retry_policy=policy)
    session.propose(run, "RUNNING")
    failed = session.propose(run, "FAILED")
    assert (failed.kind, failed.state.name) == (REJECT, "AwaitingRetry")
    waiting = session.propose(run, "RUNNING")
    assert waiting.kind == WAIT
    session.acked(session.sequence)
    final = session.answer(session.sequence)
    assert (final.kind, final.state.name, final.run_count) == (ACCEPT, "Running", 2)


@pytest.mark.parametrize("how", ["ends", "is deleted"])
def test_a_wait_ends_early_when_the_run_ends_or_is_deleted(server: Any, attach: Attach, how: str) -> None:
    session = attach()
    run = session.create_flow_run()
    scheduled = {"details": state_pb2.StateDetails()}
    scheduled["details"].scheduled_time.FromJsonString("2100-01-01T00:00:00Z")
    session.propose(run, "SCHEDULED", state=scheduled)
    waiting = session.durable(proposal=session.proposal(run, "RUNNING"))
    session.say(waiting)
    assert session.answer(waiting.sequence).kind == WAIT
    if how == "ends":
        session.say(session.durable(proposal=session.proposal(run, "CANCELLED")))
        final = session.answer(waiting.sequence)
        assert (final.kind, final.state.name) == (ABORT, "Cancelled")
    else:
        World(server).call("DeleteFlowRun", {"id": run})
        assert refusal_in(session.answer(waiting.sequence)).reason == "FLOW_RUN_NOT_FOUND"


def test_cancel_reaches_the_holder_until_it_is_answered(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    assert cancel(server, run).state.name == "Cancelling"
    command = session.next("command").command
    assert (command.cancel_run.flow_run_id, command.cancel_run.reason) == (run, "enough")
    session.cut()
    again = attach(session.welcome.resume_token)
    assert again.next("command").command == command
    applied = session_pb2.CommandResult(command_id=command.id, stage=session_pb2.COMMAND_STAGE_APPLIED)
    again.say(again.durable(command_result=applied))
    assert again.propose(run, "COMPLETED").kind == REJECT
    assert again.propose(run, "CANCELLED").kind == ACCEPT
    again.cut()
    third = attach(session.welcome.resume_token)
    third.say(session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat()))
    assert third.next("command", "heartbeat_ack").HasField("heartbeat_ack")


def test_a_scheduled_run_that_nobody_holds_is_cancelled_at_once(server: Any) -> None:
    stub = flow_run_service_pb2_grpc.FlowRunServiceStub(server.channel)
    run = stub.CreateFlowRun(flow_runs.CreateFlowRunRequest(flow_run=FlowRun(flow_name="f"))).flow_run
    World(server).propose(run.id, "SCHEDULED")
    assert cancel(server, run.id).state.name == "Cancelled"
    with pytest.raises(grpc.RpcError) as refused:
        cancel(server, run.id)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_another_session_may_not_move_a_held_run(attach: Attach) -> None:
    holder, stranger = attach(), attach()
    run = holder.create_flow_run()
    holder.propose(run, "RUNNING")
    assert stranger.propose(run, "COMPLETED").kind == ABORT


def test_goodbye_crashes_what_is_still_held(server: Any, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    session.say(session_pb2.ClientFrame(goodbye=session_pb2.Goodbye()))
    assert end_of(session) == (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_EXPIRED")
    assert flow_run(server, run).state.name == "Crashed"


def test_a_client_that_has_said_all_gets_its_answers_and_a_peaceful_end(attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.say(session.durable(proposal=session.proposal(run, "RUNNING")))
    session.close()
    assert session.answer(session.sequence).kind == ACCEPT
    assert list(session.call) == []


def test_a_subflow_is_mirrored_in_its_parent(server: Any, attach: Attach) -> None:
    session = attach()
    parent = session.create_flow_run()
    session.propose(parent, "RUNNING")
    stand_in = session.create_task_run(parent)
    child = session.create_flow_run(parent_task_run_id=stand_in)
    for each in ("RUNNING", "FAILED"):
        session.propose(child, each)
    tasks = task_run_service_pb2_grpc.TaskRunServiceStub(server.channel)
    mirrored = tasks.GetTaskRun(task_run_service_pb2.GetTaskRunRequest(id=stand_in)).task_run
    assert (mirrored.state.name, mirrored.state.details.child_flow_run_id) == ("Failed", child)
    assert (mirrored.run_count, mirrored.flow_run_run_count, mirrored.session_id) == (1, 1, "")

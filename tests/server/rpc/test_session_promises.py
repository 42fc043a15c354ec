"""What the control stream promises: who lost a run hears of it, what was said is answered, and messages have bounds."""

import logging
import threading
from collections.abc import Callable

import grpc
import pytest
from google.rpc import error_details_pb2

from antiphon.v1 import session_pb2, session_service_pb2, session_service_pb2_grpc
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon_server.rpc import session_servicer, session_stream
from hand_session import HEARTBEAT, HandSession, end_of, new_id
from in_writer import in_writer
from refusals import Refusal, refusal_in, refusal_of
from running_server import RunningServer
from world import World, proposed

ACCEPT, ABORT = 1, 4
Attach = Callable[..., HandSession]


def test_a_holder_hears_that_its_run_was_taken_or_ended(server: RunningServer, attach: Attach) -> None:
    world, holder, taker = World(server), attach(), attach()
    run = holder.create_flow_run()
    holder.propose(run, "RUNNING")
    assert taker.propose(run, "RUNNING", force=True).kind == ACCEPT
    revoked = holder.next("command").command.revoke_run
    assert revoked.flow_run_id == run
    assert revoked.reason == f"session {taker.welcome.session_id} has taken the run over"
    assert holder.propose(run, "COMPLETED").kind == ABORT
    assert world.call("GetFlowRun", {"id": run}).flow_run.session_id == taker.welcome.session_id
    world.call("ProposeTransition", {"proposal": proposed(run, "FAILED", force=True)})
    revoked = taker.next("command").command.revoke_run
    assert (revoked.flow_run_id, revoked.reason) == (run, "the run was set to Failed by somebody else")


def test_a_command_comes_once_on_each_stream(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    World(server).call("CancelFlowRun", {"id": run})
    told = session.next("command").command
    again = attach(session.welcome.resume_token)
    assert again.next("command").command == told
    stream = server.server.hub.stream(session.welcome.session_id)

    async def tell() -> None:
        # As where it was read, and another server tells of it too.
        stream.tell(told)

    server.run(tell)
    again.say(session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat()))
    assert again.next("command", "heartbeat_ack").WhichOneof("body") == "heartbeat_ack"


def test_a_key_that_is_used_is_told_with_the_run_that_has_it(attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run(idempotency_key="today")
    session.create_flow_run(idempotency_key="today")
    status = session.answer(session.sequence)
    refusal = refusal_in(status)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_USED")
    assert run in refusal.message
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert dict(info.metadata) == {"flow_run_id": run}
    session.acked(session.sequence)
    assert session.propose(run, "RUNNING").kind == ACCEPT


@pytest.mark.parametrize("together", [True, False])
def test_what_is_said_with_goodbye_is_answered_and_acked(
    server: RunningServer, attach: Attach, together: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon_server.rpc.frames")
    session = attach()
    run = session.create_flow_run()
    last = session.durable(proposal=session.proposal(run, "COMPLETED"))
    goodbye = session_pb2.ClientFrame(goodbye=session_pb2.Goodbye(reason="done"))
    for frames in [[last, HEARTBEAT, goodbye]] if together else [[last], [HEARTBEAT, goodbye]]:
        session.say(*frames)
    assert session.answer(last.sequence).kind == ACCEPT
    session.acked(last.sequence)
    session.next("heartbeat_ack")
    refusal = end_of(session)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_EXPIRED")
    assert f"session {session.welcome.session_id} says goodbye: done" in caplog.text
    assert World(server).call("GetFlowRun", {"id": run}).flow_run.state.name == "Completed"


@pytest.mark.parametrize("first", [True, False])
def test_a_message_with_too_many_frames_ends_the_stream(server: RunningServer, attach: Attach, first: bool) -> None:
    frames = [HEARTBEAT] * 1025
    if first:
        with pytest.raises(grpc.RpcError) as refused:
            stub = session_service_pb2_grpc.SessionServiceStub(server.channel)
            hello = session_pb2.ClientFrame(hello=session_pb2.Hello())
            next(stub.Attach(iter([session_service_pb2.AttachRequest(frames=[hello, *frames[1:]])])))
        refusal = refusal_of(refused.value)
        assert not World(server).call("ListSessions").sessions
    else:
        session = attach()
        session.say(*frames[1:])
        for _ in frames[1:]:
            session.next("heartbeat_ack")
        session.say(*frames)
        refusal = end_of(session)
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("frames",))
    assert "1024" in refusal.message


def test_a_message_without_frames_ends_the_stream(attach: Attach) -> None:
    session = attach()
    session.say()
    refusal = end_of(session)
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("frames",))


def test_a_wrong_frame_among_too_many_is_not_what_is_told(attach: Attach) -> None:
    session = attach()
    session.say(*[session_pb2.ClientFrame(sequence=1, create_flow_run=FlowRun(tags=[""]))] * 1025)
    assert end_of(session).fields == ("frames",)


def test_a_flood_of_heartbeats_is_bounded(
    server: RunningServer, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_servicer, "MAX_UNANSWERED_MESSAGES", 10)
    session = attach()
    for _ in range(30):  # Each is answered before the next one comes.
        session.say(HEARTBEAT)
        session.next("heartbeat_ack")

    def flood(_: object) -> Refusal:
        for _ in range(11):
            session.say(HEARTBEAT)
        return end_of(session)

    refusal = in_writer(server, flood)  # Which can answer nothing meanwhile.
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WINDOW_EXCEEDED")


@pytest.mark.parametrize("stage", ["REFUSED", "TOO_LATE"])
def test_a_command_that_is_not_done_is_logged(
    server: RunningServer, attach: Attach, stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon_server.rpc.frames")
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    World(server).call("CancelFlowRun", {"id": run})
    id = session.next("command").command.id
    number = session_pb2.CommandStage.Value(f"COMMAND_STAGE_{stage}")
    result = session_pb2.CommandResult(command_id=id, stage=number, message="no thread to interrupt")
    session.say(session.durable(command_result=result))
    session.acked(session.sequence)
    (record,) = caplog.records
    who = f"session {session.welcome.session_id} answers command {id}"
    assert record.getMessage() == f"{who} with {stage}: no thread to interrupt"


def test_a_client_that_says_more_bytes_than_are_answered_is_made_to_wait(
    server: RunningServer, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_stream, "MAX_UNANSWERED_BYTES", 300_000)
    session = attach()
    stream = server.server.hub._streams[session.welcome.session_id]
    most: list[int] = []
    took = stream.took

    def noted(frames: int, size: int) -> None:
        took(frames, size)
        most.append(stream.unanswered_bytes)

    monkeypatch.setattr(stream, "took", noted)
    runs = [FlowRun(id=new_id(), flow_name="f", parameters={"data": b"x" * 100_000}) for _ in range(50)]
    release = threading.Event()
    held = threading.Thread(target=in_writer, args=(server, lambda _: release.wait(30)))
    held.start()
    for run in runs:
        session.say(session.durable(create_flow_run=run))
    while not most or most[-1] <= 300_000:  # It stops to read once so much is unanswered.
        held.join(0.001)
    release.set()
    session.acked(50)
    held.join(30)
    assert len(most) == 50
    assert max(most) < 300_000 + 101_000, "one message at most is read beyond the bound"
    assert stream.unanswered_bytes == 0


def test_answers_that_cannot_be_made_end_the_stream(attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ValueError("a bug")

    session = attach()
    monkeypatch.setattr(session_servicer, "answer_frames", broken)
    session.create_flow_run()
    assert end_of(session).code is grpc.StatusCode.INTERNAL
    monkeypatch.undo()
    assert attach(session.welcome.resume_token).welcome.committed_sequence == 1

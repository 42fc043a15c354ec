"""The control and bulk streams in bad weather, and over the restart of a server."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.v1 import session_pb2, session_service_pb2, session_service_pb2_grpc, state_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon_server.rpc.outbox import MAX_QUEUED_FRAMES
from antiphon_server.rpc.session_servicer import MAX_UNACKED_FRAMES
from hand_session import HEARTBEAT, HandSession, end_of, new_id
from in_writer import in_writer, pragma
from refusals import refusal_in, refusal_of
from running_server import RunningServer
from stores import only_sqlite
from world import World, proposed

ACCEPT, REJECT, WAIT = 1, 2, 3
Attach = Callable[..., HandSession]


def large(session: HandSession) -> session_pb2.ClientFrame:
    run = FlowRun(id=new_id(), flow_name="large", parameters={"data": b"x" * 100_000})
    return session.durable(create_flow_run=run)


@only_sqlite
def test_on_a_full_disk_the_stream_ends_and_what_was_not_acked_is_sent_again(
    server: RunningServer, attach: Attach
) -> None:
    session = attach()
    run = session.create_flow_run()
    session.acked(session.sequence)
    pages = pragma(server, "page_count")
    pragma(server, f"max_page_count={pages}")
    frames = [large(session), session.durable(proposal=session.proposal(run, "RUNNING"))]
    session.say(*frames)
    refusal = end_of(session)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
    assert refusal.retry_after is not None
    pragma(server, "max_page_count=1000000")
    again = attach(session.welcome.resume_token)
    assert again.welcome.committed_sequence == 1
    again.say(*frames)
    assert again.answer(3).kind == ACCEPT
    assert len(World(server).call("ListFlowRuns", {"filter": "flow_name = large"}).flow_runs) == 1


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (session_pb2.ClientFrame(hello=session_pb2.Hello()), "frames[0]"),
        (session_pb2.ClientFrame(), "frames[0]"),
        (session_pb2.ClientFrame(create_flow_run=FlowRun(flow_name="f")), "frames[0].sequence"),
        (session_pb2.ClientFrame.FromString(b"\xc2\x3e\x00"), "frames[0]"),  # of a kind of another release
    ],
)
def test_what_breaks_the_protocol_ends_the_stream(attach: Attach, frame: session_pb2.ClientFrame, field: str) -> None:
    session = attach()
    session.say(frame)
    refusal = end_of(session)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FRAME_INVALID")
    assert refusal.fields == (field,)


def test_a_numbered_frame_of_an_unknown_kind_is_refused_and_the_stream_goes_on(attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    unknown = session_pb2.ClientFrame.FromString(b"\xc2\x3e\x00")  # Of another release.
    unknown.sequence = session.sequence = 2
    session.say(unknown, session.durable(proposal=session.proposal(run, "RUNNING")))
    refusal = refusal_in(session.answer(2))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FRAME_INVALID")
    assert refusal.fields == ("frames[0]",)
    assert session.answer(3).kind == ACCEPT
    session.acked(3)
    session.cut()
    again = attach(session.welcome.resume_token)
    again.say(unknown)
    assert refusal_in(again.answer(2)) == refusal


def test_who_says_nothing_at_all_is_let_go_in_peace(server: RunningServer) -> None:
    stub = session_service_pb2_grpc.SessionServiceStub(server.channel)
    assert list(stub.Attach(iter(()))) == []
    assert not World(server).call("ListSessions").sessions


def test_frames_before_one_that_breaks_the_protocol_are_not_half_done(server: RunningServer, attach: Attach) -> None:
    session = attach()
    session.say(session.durable(create_flow_run=FlowRun(flow_name="f")), session_pb2.ClientFrame())
    end_of(session)
    assert not World(server).call("ListFlowRuns").flow_runs
    assert attach(session.welcome.resume_token).welcome.committed_sequence == 0


def test_who_does_not_keep_to_the_window_is_cut(server: RunningServer, attach: Attach) -> None:
    session = attach()
    assert session.welcome.max_unacked_frames == MAX_UNACKED_FRAMES
    release = threading.Event()
    held = threading.Thread(target=in_writer, args=(server, lambda _: release.wait(30)))
    held.start()
    for _ in range(MAX_UNACKED_FRAMES // 1000 + 1):
        session.say(*(session.durable(create_flow_run=FlowRun(flow_name="f")) for _ in range(1000)))
    refusal = end_of(session)
    release.set()
    held.join(30)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WINDOW_EXCEEDED")


def test_a_reader_that_does_not_read_is_cut_and_misses_nothing(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.acked(session.sequence)
    stream = server.server.hub._streams[session.welcome.session_id]
    frame = session_pb2.ServerFrame(heartbeat_ack=session_pb2.HeartbeatAck())

    async def flood() -> None:
        stream.push([frame] * (MAX_QUEUED_FRAMES + 1))

    server.run(flood)
    refusal = end_of(session)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    assert attach(session.welcome.resume_token).propose(run, "RUNNING").kind == ACCEPT


def test_every_heartbeat_is_answered(attach: Attach) -> None:
    session = attach()
    session.say(HEARTBEAT, HEARTBEAT)
    session.say(HEARTBEAT)
    for _ in range(3):
        session.next("heartbeat_ack")


def test_sessions_go_on_over_a_restart(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        session = HandSession(server.channel)
        run = session.create_flow_run()
        running = session.durable(proposal=session.proposal(run, "RUNNING"))
        session.say(running)
        verdict = session.answer(running.sequence)
        server.run(server.server.stop)
        assert session.next("command").command.HasField("drain")
        refusal = end_of(session)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
    with RunningServer(tmp_path) as server:
        # It was away for longer than any TTL, and nobody is blamed for that.
        server.clock.advance(3600)
        again = HandSession(server.channel, session.welcome.resume_token)
        assert (again.welcome.epoch, again.welcome.committed_sequence) == (2, 2)
        again.say(running)
        assert again.answer(running.sequence) == verdict
        assert again.propose(run, "COMPLETED").kind == ACCEPT
        again.cut()


def scheduled(session: HandSession, run: str, time: str) -> Any:
    details = state_pb2.StateDetails()
    details.scheduled_time.FromJsonString(time)
    return session.propose(run, "SCHEDULED", state={"details": details})


def told_to_wait(session: HandSession) -> tuple[str, session_pb2.ClientFrame, Any]:
    """A run of long hence, the frame that proposed to start it now, and its verdict."""
    run = session.create_flow_run()
    scheduled(session, run, "2100-01-01T00:00:00Z")
    waiting = session.durable(proposal=session.proposal(run, "RUNNING"))
    session.say(waiting)
    verdict = session.answer(waiting.sequence)
    assert verdict.kind == WAIT
    return run, waiting, verdict


def test_what_waits_goes_on_waiting_over_a_restart(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        session = HandSession(server.channel)
        run, waiting, _ = told_to_wait(session)
        session.cut()
    with RunningServer(tmp_path) as server:
        again = HandSession(server.channel, session.welcome.resume_token)
        World(server).call("UpdateFlowRun", {"flowRun": {"id": run, "name": "touched"}, "updateMask": "name"})
        again.say(HEARTBEAT)
        again.next("heartbeat_ack")
        scheduled(again, run, "2000-01-01T00:00:00Z")
        final = again.answer(waiting.sequence)
        assert (final.kind, final.state.name) == (ACCEPT, "Running")
        again.cut()


def test_who_was_away_when_its_wait_ended_learns_it_by_asking_again(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run, waiting, _ = told_to_wait(session)
    session.acked(waiting.sequence)
    session.cut()
    World(server).call("CancelFlowRun", {"id": run})
    again = attach(session.welcome.resume_token)
    again.say(waiting)
    assert again.answer(waiting.sequence).kind != WAIT


def test_what_waits_keeps_its_id_over_a_cut(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run, waiting, first = told_to_wait(session)
    session.cut()
    again = attach(session.welcome.resume_token)
    again.say(waiting)
    repeated = again.answer(waiting.sequence)
    assert (repeated.kind, repeated.wait_until_time) == (WAIT, first.wait_until_time)
    other = again.propose(run, "CANCELLED", transition_id=waiting.proposal.transition_id)
    assert refusal_in(other).reason == "TRANSITION_ID_REUSED"
    refusal = World(server).refused(
        "ProposeTransition", {"proposal": proposed(run, "FAILED", transition_id=first.transition_id)}
    )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "TRANSITION_ID_REUSED")
    assert in_writer(server, lambda it: it.connection.exec_driver_sql("SELECT count(*) FROM waits").scalar_one()) == 1


def upload(server: RunningServer, *requests: session_service_pb2.UploadRequest) -> list[int]:
    stub = session_service_pb2_grpc.SessionServiceStub(server.channel)
    return [answer.sequence for answer in stub.Upload(iter(requests))]


def lines(sequence: int, *texts: str, **more: Any) -> session_service_pb2.UploadRequest:
    logs = [{"message": text, "create_time": {"seconds": sequence}, **more} for text in texts]
    return session_service_pb2.UploadRequest(sequence=sequence, logs=logs)  # type: ignore[arg-type]


def test_the_bulk_stream_stores_lines_and_says_how_far(server: RunningServer) -> None:
    id = new_id()
    assert upload(server, lines(1, "a", "b"), lines(2, id=id), lines(3, "c", id=id), lines(4, "c", id=id)) == [
        1,
        2,
        3,
        4,
    ]
    assert [line.message for line in World(server).call("ListLogs").logs] == ["a", "b", "c"]


def test_wrong_lines_are_told_and_their_neighbours_are_stored(server: RunningServer) -> None:
    batch = lines(2, "two", "wrong", "three", "out of time", "four")
    batch.logs[1].level = -1
    batch.logs[3].create_time.seconds = 10**15
    stub = session_service_pb2_grpc.SessionServiceStub(server.channel)
    first, second, third = stub.Upload(iter([lines(1, "one"), batch, lines(3, "five")]))
    assert [answer.sequence for answer in (first, second, third)] == [1, 2, 3]
    assert not first.refused
    assert not third.refused
    told = [(each.index, refusal_in(each.status)) for each in second.refused]
    assert [(index, refusal.reason, refusal.fields) for index, refusal in told] == [
        (1, "FIELD_INVALID", ("logs[1].level",)),
        (3, "TIME_INVALID", ("logs[3].create_time",)),
    ]
    stored = World(server).call("ListLogs", {"orderBy": "create_time"}).logs
    assert sorted(line.message for line in stored) == sorted(["one", "two", "three", "four", "five"])


def test_too_many_lines_end_the_bulk_stream(server: RunningServer) -> None:
    with pytest.raises(grpc.RpcError) as ended:
        upload(server, lines(1, *["x"] * 1001))
    assert refusal_of(ended.value).fields == ("logs",)


def test_a_flood_of_logs_does_not_delay_a_verdict(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.acked(session.sequence)
    release = threading.Event()
    held = threading.Thread(target=in_writer, args=(server, lambda _: release.wait(30)))
    held.start()
    flood = threading.Thread(target=upload, args=(server, *(lines(i, *["x"] * 100) for i in range(1, 51))))
    flood.start()
    session.say(session.durable(proposal=session.proposal(run, "RUNNING")))
    release.set()
    assert session.answer(session.sequence).kind == ACCEPT
    assert flood.is_alive(), "the verdict came while the flood was still on its way"
    flood.join(60)
    held.join(30)
    assert len(World(server).call("ListLogs", {"pageSize": 1000}).logs) == 1000


def test_a_command_of_the_very_moment_of_an_attach_is_told_once(server: RunningServer, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    session.cut()
    queued = server.server.core._writer._jobs
    opened: list[HandSession] = []
    calls = [
        lambda: opened.append(HandSession(server.channel, session.welcome.resume_token)),
        lambda: World(server).call("CancelFlowRun", {"id": run}),
    ]
    release = threading.Event()
    taken = threading.Event()
    threads = [threading.Thread(target=in_writer, args=(server, lambda _: (taken.set(), release.wait(30))))]
    threads[0].start()
    assert taken.wait(30)
    for number, call in enumerate(calls, 1):  # Both wait for the next transaction, in this order.
        threads.append(threading.Thread(target=call))
        threads[-1].start()
        while len(queued) < number:
            threads[-1].join(0.001)
    release.set()
    for thread in threads:
        thread.join(30)
    (again,) = opened
    assert again.next("command").command.cancel_run.flow_run_id == run
    assert again.propose(run, "CANCELLED").kind == ACCEPT
    again.say(HEARTBEAT)
    assert again.next("command", "heartbeat_ack").HasField("heartbeat_ack")
    again.cut()

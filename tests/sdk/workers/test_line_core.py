"""A worker's side of the conversation, message by message, without a server."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from antiphon.v1 import deployment_pb2, flow_run_pb2, session_pb2, worker_pb2
from antiphon.v1 import work_service_pb2 as pb
from antiphon.workers.line_core import (
    GREETING_PATIENCE,
    MAX_SILENT_BEATS,
    MOST_CREDIT,
    Claim,
    Kill,
    LineCore,
    LineState,
    Lost,
    Offered,
    Settled,
    Welcomed,
)

RUN, OTHER = "0198a3d4-0000-7000-8000-000000000001", "0198a3d4-0000-7000-8000-000000000002"
CLAIM = Claim(RUN, 1)


class Line:
    """A core, and the server that it talks with, played by hand."""

    def __init__(self, limit: int | None = 2) -> None:
        self.core = LineCore(pb.WorkerHello(name="w", work_pool_name="p"), limit)
        self.now = 100.0

    def come(self, *, token: str = "token", lost: tuple[Claim, ...] = ()) -> pb.WorkerHello:
        """A stream begins and is welcomed; gives what was said first."""
        hello = self.core.connect().hello
        welcome = pb.WorkerWelcome(
            resume_token=token,
            lease_timeout=Duration(seconds=30),
            worker=worker_pb2.Worker(name="w"),
            lost=[claim.message() for claim in lost],
        )
        self.events = self.hear(welcome=welcome)
        return hello

    def hear(self, **body: Any) -> list[Any]:
        return self.core.receive(self.core.stream, pb.WorkResponse(**body), self.now)

    def offer(self, run: str = RUN, token: int = 1) -> list[Any]:
        offer = pb.WorkOffer(
            flow_run=flow_run_pb2.FlowRun(id=run, name="r"), fencing_token=token, deployment=deployment_pb2.Deployment()
        )
        return self.hear(offer=offer)

    def recorded(self, claim: Claim = CLAIM, *, exited: bool) -> list[Any]:
        return self.hear(recorded=pb.Recorded(claim=claim.message(), exited=exited))

    def command(self, **body: Any) -> list[Any]:
        return self.hear(command=session_pb2.Command(id="0198a3d4-0000-7000-8000-00000000000c", **body))

    def said(self) -> list[str]:
        """What it says now, in words."""
        return [_in_words(request) for request in self.core.to_say(self.core.stream) or []]

    def cut(self) -> None:
        self.core.disconnected(self.core.stream)


def _in_words(request: pb.WorkRequest) -> str:
    kind = request.WhichOneof("body")
    if kind == "credit":
        return "credit none" if request.credit.none else f"credit {request.credit.runs}"
    if kind == "answer":
        verb = "taken" if request.answer.decision == pb.OFFER_DECISION_TAKEN else "declined"
        return f"{verb} {request.answer.claim.fencing_token}"
    if kind == "exited":
        return f"exited {request.exited.claim.fencing_token}: {request.exited.exit_code} {request.exited.message}"
    if kind == "started":
        return f"started {request.started.infrastructure_pid}"
    if kind == "command_result":
        return session_pb2.CommandStage.Name(request.command_result.stage).removeprefix("COMMAND_STAGE_").lower()
    return str(kind)


@pytest.fixture
def line() -> Line:
    made = Line()
    made.come()
    assert made.said() == ["credit 2"]
    return made


def test_first_come_hello_and_then_room() -> None:
    line = Line()
    assert line.core.state is LineState.CUT
    hello = line.come()
    assert (hello.name, hello.work_pool_name, hello.resume_token, list(hello.holds)) == ("w", "p", "", [])
    assert [type(each) for each in line.events] == [Welcomed]
    assert line.core.state is LineState.WORKING
    assert line.said() == ["credit 2"]
    assert line.said() == []  # Room is told of once.


def test_nothing_is_said_before_the_welcome() -> None:
    line = Line()
    line.core.connect()
    assert line.core.to_say(line.core.stream) == []
    assert line.core.patience == GREETING_PATIENCE
    assert not line.core.beat(), "a server that does not greet is dead"


def test_no_bound_is_the_contracts() -> None:
    line = Line(limit=None)
    line.come()
    assert line.said() == [f"credit {MOST_CREDIT}"]


def test_an_offer_is_taken_at_once_and_its_room_is_gone(line: Line) -> None:
    (event,) = line.offer()
    assert isinstance(event, Offered)
    assert event.claim == CLAIM
    assert line.said() == ["taken 1"]
    assert line.core.at_work == 1


def test_an_offer_that_comes_twice_begins_once(line: Line) -> None:
    line.offer()
    line.said()
    assert line.offer() == []
    assert line.said() == ["taken 1"]


def test_what_has_started_and_ended_is_said_and_room_is_there_again(line: Line) -> None:
    line.offer()
    line.core.started(CLAIM, "host:1")
    assert line.said() == ["taken 1", "started host:1"]
    assert line.recorded(exited=False) == []
    line.core.exited(CLAIM, "host:1", 3, "oom")
    assert line.said() == ["exited 1: 3 oom", "credit 1"]
    assert line.core.holds == [CLAIM], "until it is stored"
    assert line.recorded(exited=True) == [Settled(CLAIM)]
    assert line.core.holds == []


def test_beyond_the_limit_it_is_declined(line: Line) -> None:
    for number in range(2):
        line.offer(f"0198a3d4-0000-7000-8000-0000000000a{number}", 7)
    line.said()
    assert line.offer() == []
    assert line.said() == ["declined 1"]


def test_after_the_last_word_on_room_it_is_declined(line: Line) -> None:
    line.core.take_no_more()
    assert line.said() == ["credit none"]
    assert line.offer() == []
    assert line.said() == ["declined 1"]
    line.core.take_no_more()
    assert line.said() == []


def test_a_run_that_was_claimed_anew_drives_out_the_old_claim(line: Line) -> None:
    line.offer()
    lost, offered = line.offer(token=2)
    assert isinstance(lost, Lost)
    assert lost.claim == CLAIM
    assert isinstance(offered, Offered)
    assert offered.claim == Claim(RUN, 2)
    line.said()
    line.core.exited(CLAIM, "host:1", -9, "killed")
    assert line.said() == [], "of a claim that is not ours nothing is said"


def test_one_that_is_given_back_is_declined_and_forgotten(line: Line) -> None:
    line.offer()
    line.said()
    line.core.give_back(CLAIM, "no server to ask")
    assert line.said() == ["declined 1", "credit 1"]
    assert line.core.holds == []
    line.core.give_back(CLAIM, "again")
    assert line.said() == []


def test_one_that_is_given_back_while_the_server_greets_is_declined_after_it(line: Line) -> None:
    line.offer()
    line.said()
    line.cut()
    line.core.connect()  # Says that it is held.
    line.core.give_back(CLAIM, "the lease ran out")
    line.hear(welcome=pb.WorkerWelcome(resume_token="token", lease_timeout=Duration(seconds=30)))
    assert line.said() == ["declined 1", "heartbeat"]
    line.cut()
    line.come()
    assert line.said() == ["heartbeat"]


def test_over_a_cut_claims_are_held_and_reports_are_said_again(line: Line) -> None:
    line.offer()
    line.offer(OTHER, 5)
    line.core.started(CLAIM, "host:1")
    line.core.exited(Claim(OTHER, 5), "", -1, "no image")
    line.said()
    line.cut()
    assert line.core.to_say(line.core.stream) is None
    hello = line.come()
    assert hello.resume_token == "token"
    assert {(each.flow_run_id, each.fencing_token) for each in hello.holds} == {(RUN, 1), (OTHER, 5)}
    assert line.said() == ["started host:1", "exited 5: -1 no image", "heartbeat"]


def test_what_happens_during_a_cut_is_said_after_it(line: Line) -> None:
    line.offer()
    line.said()
    line.cut()
    line.core.started(CLAIM, "host:1")
    line.core.exited(CLAIM, "host:1", 0, "")
    line.come()
    assert line.said() == ["exited 1: 0 ", "heartbeat"], "the start is of no use any more"


def test_room_is_told_of_only_when_what_is_offered_again_has_come(line: Line) -> None:
    line.offer()
    line.said()
    line.cut()
    line.core.give_back(CLAIM, "the lease ran out")
    line.come()
    assert line.core.state is LineState.COMING_BACK
    assert line.said() == ["heartbeat"]
    (event,) = line.offer()
    assert isinstance(event, Offered), "it was forgotten, so it begins again"
    line.hear(heartbeat_ack=session_pb2.HeartbeatAck())
    assert line.said() == ["taken 1", "credit 1"]


def test_a_session_that_is_gone_is_not_asked_for_again(line: Line) -> None:
    line.offer()
    line.offer(OTHER, 5)
    line.said()
    line.cut()
    line.core.expired()
    hello = line.come(token="new", lost=(CLAIM,))
    assert hello.resume_token == ""
    assert len(hello.holds) == 2
    assert line.events[1:] == [Lost(CLAIM, line.events[1].reason)]
    assert line.core.holds == [Claim(OTHER, 5)]
    assert line.said() == ["credit 1"], "a new session has nothing to offer again"


def test_what_comes_of_an_older_stream_is_void(line: Line) -> None:
    old = line.core.stream
    line.cut()
    line.come()
    message = pb.WorkResponse(offer=pb.WorkOffer(flow_run=flow_run_pb2.FlowRun(id=RUN), fencing_token=1))
    assert line.core.receive(old, message, line.now) == []
    assert line.core.to_say(old) is None
    line.core.disconnected(old)
    assert line.core.state is LineState.COMING_BACK


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"cancel_run": session_pb2.CancelRun(flow_run_id=RUN, reason="enough")}, "enough"),
        ({"revoke_run": session_pb2.RevokeRun(flow_run_id=RUN, reason="lost")}, "lost"),
        ({"kill_infrastructure": session_pb2.KillInfrastructure(flow_run_id=RUN)}, "the server wants it to end"),
    ],
)
def test_commands_for_a_run_that_is_here_kill_it(line: Line, body: dict[str, Any], reason: str) -> None:
    line.offer()
    line.said()
    assert line.command(**body) == [Kill(CLAIM, reason)]
    assert line.said() == ["applied"]


def test_commands_for_others_come_too_late(line: Line) -> None:
    line.offer()
    line.core.exited(CLAIM, "", 0, "")
    line.said()
    assert line.command(cancel_run=session_pb2.CancelRun(flow_run_id=RUN)) == []
    assert line.command(cancel_run=session_pb2.CancelRun(flow_run_id=OTHER)) == []
    assert line.said() == ["too_late", "too_late"]


def test_commands_that_it_does_not_know_are_refused(line: Line) -> None:
    assert line.command(pause_run=session_pb2.PauseRun(flow_run_id=RUN)) == []
    assert line.said() == ["refused"]


def test_a_server_that_stops_says_drain_and_wants_no_answer(line: Line) -> None:
    assert line.hear(command=session_pb2.Command(drain=session_pb2.Drain(reason="stopping"))) == []
    assert line.core.draining
    assert line.said() == []
    line.cut()
    line.come()
    assert not line.core.draining


def test_silence_of_ours_is_broken_by_heartbeats_and_theirs_ends_the_stream(line: Line) -> None:
    assert line.core.patience == pytest.approx(10)
    for _ in range(MAX_SILENT_BEATS):
        assert line.core.beat()
        assert line.said() == ["heartbeat"]
    assert not line.core.beat()
    line.hear(heartbeat_ack=session_pb2.HeartbeatAck())
    assert line.core.beat()


def test_goodbye_is_the_last_word(line: Line) -> None:
    line.offer()
    line.core.exited(CLAIM, "", 0, "")
    line.core.take_no_more()
    assert line.core.say_goodbye("stopped")
    assert line.said() == ["taken 1", "exited 1: 0 ", "credit none", "goodbye"]
    assert line.core.state is LineState.CLOSED
    line.cut()
    assert line.core.state is LineState.CLOSED


def test_there_is_no_goodbye_without_a_stream(line: Line) -> None:
    line.cut()
    assert not line.core.say_goodbye("stopped")


def test_what_is_too_large_for_the_contract_is_cut(line: Line) -> None:
    line.offer()
    line.said()
    line.core.started(CLAIM, "p" * 5000)
    line.core.exited(CLAIM, "p" * 5000, 2**40, "m" * 50_000)
    requests = line.core.to_say(line.core.stream)
    assert requests is not None
    assert len(requests[0].started.infrastructure_pid) == 1000
    exited = requests[1].exited
    assert (len(exited.infrastructure_pid), exited.exit_code, len(exited.message)) == (1000, 2**31 - 1, 10_000)

"""The session's core against what the contract says, and against a model server over a wire that is cut anywhere."""

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from antiphon.exceptions import ObjectNotFound, ServerError, SessionLost
from antiphon.session.core import MAX_FRAME_BYTES, SessionCore, SessionState
from antiphon.session.ticket import Body, Ticket
from antiphon.v1.session_pb2 import Ack, ClientFrame, FrameError, HeartbeatAck, ServerFrame, Welcome
from antiphon.v1.session_service_pb2 import AttachRequest
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT, VERDICT_KIND_WAIT, Verdict
from session_bodies import flow_run, proposal, task_run
from session_model import SessionModel, Stream, make_status, verdict_frame


def welcome(core: SessionCore, *, committed: int = 0, window: int = 8192, ttl: int = 30) -> int:
    """Attaches and gives the stream's number."""
    stream = core.connect()
    frame = Welcome(session_id="s", resume_token="t", epoch=1, committed_sequence=committed, max_unacked_frames=window)
    frame.ttl_timeout.seconds = ttl
    core.receive(stream, [ServerFrame(welcome=frame)])
    return stream


def sent(core: SessionCore, stream: int, max_frames: int = 1024, max_bytes: int = 1024 * 1024) -> list[ClientFrame]:
    """The frames of the next message."""
    wires, refused = core.frames_to_send(stream, max_frames, max_bytes)
    assert wires is not None and not refused
    return list(AttachRequest.FromString(b"".join(wires)).frames)


def answers(core: SessionCore, stream: int, *frames: ServerFrame) -> list[tuple[Ticket, object]]:
    return [(ticket, error or verdict) for ticket, verdict, error in core.receive(stream, frames).answers]


def accept(sequence: int, kind: int = VERDICT_KIND_ACCEPT) -> ServerFrame:
    return verdict_frame(sequence, Verdict(kind=kind))  # type: ignore[arg-type]


def ack(sequence: int) -> ServerFrame:
    return ServerFrame(ack=Ack(sequence=sequence))


def refusal(sequence: int) -> ServerFrame:
    return ServerFrame(error=FrameError(sequence=sequence, status=make_status("NOT_FOUND", "FLOW_RUN_NOT_FOUND")))


def sequences(frames: list[ClientFrame]) -> list[int]:
    return [frame.sequence for frame in frames]


def test_nothing_is_sent_before_welcome_and_then_everything_in_order_in_one_message() -> None:
    core = SessionCore("me")
    bodies: list[Body] = [flow_run(), task_run(), proposal()]
    core.submit(bodies)
    stream = core.connect()
    hello = AttachRequest.FromString(core.hello()).frames[0].hello
    assert (hello.client, hello.resume_token) == ("me", "")
    assert core.frames_to_send(stream) == ([], []) and not core.sendable
    stream = welcome(core)
    assert core.sendable
    frames = sent(core, stream)
    assert [(frame.sequence, frame.WhichOneof("body")) for frame in frames] == [
        (1, "create_flow_run"),
        (2, "create_task_run"),
        (3, "proposal"),
    ]
    assert frames[2].proposal == bodies[2]
    assert sent(core, stream) == [] and not core.sendable


def test_a_message_holds_so_many_frames_and_bytes_but_one_frame_at_least() -> None:
    core = SessionCore("")
    core.submit(proposal() for _ in range(10))
    stream = welcome(core)
    assert sequences(sent(core, stream, max_frames=4)) == [1, 2, 3, 4]
    size = len(AttachRequest(frames=[ClientFrame(sequence=5, proposal=proposal())]).SerializeToString())
    assert sequences(sent(core, stream, max_bytes=2 * size)) == [5, 6]
    assert sequences(sent(core, stream, max_bytes=1)) == [7]


def test_what_is_no_frame_raises_and_leaves_nothing_behind() -> None:
    core = SessionCore("")
    with pytest.raises(TypeError, match="not HeartbeatAck"):
        core.submit([proposal(), HeartbeatAck()])  # type: ignore[list-item]
    assert core.backlog == 0


def test_a_frame_that_no_server_takes_fails_here_and_takes_no_number() -> None:
    core = SessionCore("")
    large = proposal()
    large.state.data.data = b"x" * MAX_FRAME_BYTES
    first, _ = core.submit([large, proposal()])
    wires, refused = core.frames_to_send(welcome(core))
    assert wires is not None
    assert sequences(list(AttachRequest.FromString(b"".join(wires)).frames)) == [1]
    [(ticket, verdict, error)] = refused
    assert ticket is first and verdict is None
    assert isinstance(error, ServerError) and error.reason == "FRAME_TOO_LARGE" and "result storage" in str(error)


def test_the_window_holds_frames_back_until_answers_come() -> None:
    core = SessionCore("")
    core.submit([proposal(), task_run(), proposal(), proposal()])
    stream = welcome(core, window=2)
    assert sequences(sent(core, stream)) == [1, 2]
    assert not core.sendable and core.backlog == 4
    answers(core, stream, accept(1))
    assert sequences(sent(core, stream)) == [3]
    answers(core, stream, ack(2))
    assert sequences(sent(core, stream)) == [4]
    assert core.backlog == 2


def test_an_ack_answers_creates_up_to_its_number_and_no_proposals() -> None:
    core = SessionCore("")
    first, second, third, fourth = core.submit([flow_run(), proposal(), task_run(), task_run()])
    stream = welcome(core)
    sent(core, stream)
    assert answers(core, stream, ack(3)) == [(first, None), (third, None)]
    assert answers(core, stream, ack(3)) == []
    assert [ticket for ticket, _ in answers(core, stream, accept(2))] == [second]
    assert answers(core, stream, ack(4)) == [(fourth, None)]
    assert core.backlog == 0


def test_a_refusal_answers_one_frame_and_the_ack_after_it_does_not() -> None:
    core = SessionCore("")
    first, second, third = core.submit([flow_run(), task_run(), proposal()])
    stream = welcome(core)
    sent(core, stream)
    (got_first, error), (got_second, nothing), (got_third, _) = answers(core, stream, refusal(1), refusal(3), ack(3))
    assert (got_first, got_second, got_third, nothing) == (first, second, third, None)
    assert isinstance(error, ObjectNotFound) and error.reason == "FLOW_RUN_NOT_FOUND"


def test_a_refusal_counts_once_it_is_acked_since_a_server_cut_off_before_decides_anew() -> None:
    core = SessionCore("")
    create, move = core.submit([flow_run(), proposal()])
    stream = welcome(core)
    sent(core, stream)
    assert answers(core, stream, refusal(1), refusal(2)) == [] and core.backlog == 2
    core.disconnected(stream)
    stream = welcome(core, committed=0)
    assert sequences(sent(core, stream)) == [1, 2]
    assert answers(core, stream, ack(1), accept(2)) == [(create, None), (move, accept(2).verdict.verdict)]


def test_a_waiting_proposal_that_is_refused_in_the_end_has_no_ack_to_wait_for() -> None:
    core = SessionCore("")
    [waiting] = core.submit([proposal("wait")])
    stream = welcome(core)
    sent(core, stream)
    assert answers(core, stream, accept(1, VERDICT_KIND_WAIT), ack(1)) == []
    [(refused, error)] = answers(core, stream, refusal(1))
    assert refused is waiting and isinstance(error, ObjectNotFound)


def test_wait_gives_room_and_the_final_verdict_comes_later() -> None:
    core = SessionCore("")
    waiting, _ = core.submit([proposal("wait"), proposal()])
    stream = welcome(core, window=1)
    sent(core, stream)
    assert answers(core, stream, accept(1, VERDICT_KIND_WAIT), ack(1)) == []
    assert waiting.deferred and core.backlog == 1
    assert sequences(sent(core, stream)) == [2]
    assert [ticket for ticket, _ in answers(core, stream, accept(1))] == [waiting]


def test_answers_that_come_twice_or_to_nobody_count_for_nothing() -> None:
    core = SessionCore("")
    core.submit([proposal(), flow_run()])
    stream = welcome(core)
    sent(core, stream)
    assert len(answers(core, stream, accept(1), accept(1), accept(99), refusal(1), refusal(99))) == 1
    assert answers(core, stream, accept(2)) == [], "a verdict is no answer to a create"
    assert len(answers(core, stream, ack(2), ack(2), ack(1))) == 1


def test_all_that_is_open_is_sent_again_byte_for_byte_and_the_rest_is_not() -> None:
    core = SessionCore("")
    core.submit([flow_run(), proposal(), proposal("wait"), task_run(), proposal()])
    stream = welcome(core)
    before = {frame.sequence: frame for frame in sent(core, stream)}
    answers(core, stream, accept(2), accept(3, VERDICT_KIND_WAIT), ack(3))
    core.disconnected(stream)
    assert core.state is SessionState.DISCONNECTED and core.frames_to_send(stream) == (None, [])
    [late] = core.submit([proposal()])
    stream = core.connect()
    assert AttachRequest.FromString(core.hello()).frames[0].hello.resume_token == "t"
    stream = welcome(core, committed=4)
    again = sent(core, stream)
    assert sequences(again) == [3, 4, 5, 6]
    assert again[:3] == [before[each] for each in (3, 4, 5)] and again[3].proposal == late.body


def test_an_ack_for_what_this_stream_has_not_carried_again_is_not_meant() -> None:
    core = SessionCore("")
    [ticket] = core.submit([task_run("refuse")])
    stream = welcome(core)
    sent(core, stream)
    core.disconnected(stream)
    stream = welcome(core, committed=1)
    assert answers(core, stream, ack(1)) == [], "the answer may have been a refusal that the cut took away"
    sent(core, stream)
    [(refused, _)] = answers(core, stream, refusal(1), ack(1))
    assert refused is ticket


def test_an_answered_frame_that_is_not_committed_is_sent_again_to_leave_no_gap() -> None:
    core = SessionCore("")
    core.submit([proposal(), proposal(), proposal()])
    stream = welcome(core)
    sent(core, stream)
    assert len(answers(core, stream, accept(2))) == 1
    core.disconnected(stream)
    stream = welcome(core, committed=0)
    assert sequences(sent(core, stream)) == [1, 2, 3]
    assert len(answers(core, stream, accept(1), accept(2), accept(3))) == 2
    assert core.backlog == 0


def test_a_verdict_pushed_before_the_frame_was_sent_again_counts() -> None:
    core = SessionCore("")
    [ticket] = core.submit([proposal("wait")])
    stream = welcome(core)
    sent(core, stream)
    answers(core, stream, accept(1, VERDICT_KIND_WAIT), ack(1))
    core.disconnected(stream)
    stream = welcome(core, committed=1)
    assert [each for each, _ in answers(core, stream, accept(1))] == [ticket]


def test_goodbye_does_not_make_a_message_too_large() -> None:
    core = SessionCore("")
    core.submit([proposal(), proposal(), proposal()])
    stream = welcome(core)
    assert core.say_goodbye("why", ServerError("closed"))
    assert [frame.WhichOneof("body") for frame in sent(core, stream, max_frames=3)] == ["proposal"] * 3
    assert core.sendable
    assert [frame.WhichOneof("body") for frame in sent(core, stream, max_frames=3)] == ["goodbye"]


def test_what_an_older_stream_says_is_void() -> None:
    core = SessionCore("")
    core.submit([proposal(), task_run()])
    old = welcome(core)
    sent(core, old)
    core.disconnected(old)
    new = welcome(core)
    sent(core, new)
    assert answers(core, old, accept(1), ack(2)) == []
    core.disconnected(old)
    assert core.state is SessionState.ATTACHED and core.frames_to_send(old) == (None, [])
    assert len(answers(core, new, accept(1), ack(2))) == 2


def test_heartbeats_are_due_in_silence_until_the_peer_is_dead() -> None:
    core = SessionCore("")
    core.connect()
    assert core.patience is not None and not core.beat(), "no Welcome in time"
    stream = welcome(core, ttl=30)
    assert core.patience == 10.0
    assert [core.beat() for _ in range(3)] == [True, True, True]
    core.receive(stream, [ServerFrame(heartbeat_ack=HeartbeatAck())])
    assert [core.beat() for _ in range(4)] == [True, True, True, False]


def test_goodbye_goes_after_what_can_be_sent_and_ends_the_stream() -> None:
    core = SessionCore("")
    core.submit([proposal(), proposal()])
    error = ServerError("closed")
    assert not core.say_goodbye("why", error), "nobody is there to be told"
    stream = welcome(core, window=1)
    assert core.say_goodbye("why", error) and core.sendable
    frames = sent(core, stream)
    assert [frame.WhichOneof("body") for frame in frames] == ["proposal", "goodbye"]
    assert frames[1].goodbye.reason == "why" and frames[1].sequence == 0
    assert core.frames_to_send(stream) == (None, []) and core.error is error


def test_the_end_gives_back_every_open_ticket_in_order_and_the_first_reason_stays() -> None:
    core = SessionCore("")
    first, second = core.submit([proposal("wait"), proposal()])
    stream = welcome(core, window=1)
    sent(core, stream)
    answers(core, stream, accept(1, VERDICT_KIND_WAIT))
    [third] = core.submit([task_run()])
    error = SessionLost("lost")
    assert core.end(SessionState.LOST, error) == [first, second, third]
    assert core.frames_to_send(stream) == (None, []) and answers(core, stream, accept(1)) == []
    core.submit([proposal()])
    assert len(core.reject()) == 1
    assert core.end(SessionState.CLOSED, ServerError("later")) == [] and core.error is error


class CutAnywhere(RuleBasedStateMachine):
    """A client and a server with a wire between them that carries messages late, or loses them with the stream.

    The wire of an older stream goes on to deliver what it holds, in both directions, to whoever still listens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.core = SessionCore("")
        self.up: deque[tuple[Stream, bytes]] = deque()
        self.down: deque[tuple[int, list[ServerFrame]]] = deque()
        self.tickets: list[Ticket] = []
        self.answered: dict[int, object] = {}
        self.stream = 0
        self.server_stream: Stream | None = None
        self.count = 0

    @initialize(window=st.sampled_from([1, 2, 5, 100]), commits_at_once=st.booleans())
    def begin(self, window: int, commits_at_once: bool) -> None:
        self.model = SessionModel(window=window, commits_at_once=commits_at_once)
        self.connect()

    @rule(kinds=st.lists(st.sampled_from(["flow", "task", "refuse", "accept", "reject", "wait"]), max_size=6))
    def submit(self, kinds: list[str]) -> None:
        makers: dict[str, Callable[[], Body]] = {
            "flow": flow_run,
            "task": task_run,
            "refuse": lambda: task_run("refuse"),
        }
        self.tickets += self.core.submit([makers[kind]() if kind in makers else proposal(kind) for kind in kinds])

    @rule(max_frames=st.integers(1, 4))
    def send(self, max_frames: int) -> None:
        wires, _ = self.core.frames_to_send(self.stream, max_frames)
        if wires and self.server_stream is not None:
            self.up.append((self.server_stream, b"".join(wires)))

    @precondition(lambda self: self.up)
    @rule()
    def reach_the_server(self) -> None:
        stream, wire = self.up.popleft()
        if stream.epoch == stream.session.epoch:
            stream.receive(AttachRequest.FromString(wire).frames)

    @precondition(lambda self: self.down)
    @rule()
    def reach_the_client(self) -> None:
        number, frames = self.down.popleft()
        for ticket, verdict, error in self.core.receive(number, frames).answers:
            assert id(ticket) not in self.answered, "answered twice"
            self.answered[id(ticket)] = error or verdict

    @precondition(lambda self: not self.model.commits_at_once and self.model.acks_due)
    @rule()
    def commit(self) -> None:
        stream, sequence = self.model.acks_due.pop(0)
        stream.acknowledge(sequence)

    @precondition(lambda self: self.session.waiting)
    @rule(data=st.data())
    def end_a_wait(self, data: st.DataObject) -> None:
        transition_id = data.draw(st.sampled_from(sorted(self.session.waiting)))
        frames = self.model.release(self.session, transition_id)
        if self.server_stream is not None:
            self.server_stream.push(frames)

    @rule(loses_up=st.booleans(), loses_down=st.booleans())
    def cut(self, loses_up: bool, loses_down: bool) -> None:
        self.core.disconnected(self.stream)
        if loses_up:
            self.up.clear()
        if loses_down:
            self.down.clear()
        self.model.acks_due.clear()
        self.connect()

    def connect(self) -> None:
        self.stream = number = self.core.connect()
        hello = AttachRequest.FromString(self.core.hello()).frames[0].hello
        self.server_stream = self.model.attach(hello, lambda frames: self.down.append((number, frames)))
        self.session = self.server_stream.session

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.cut(loses_up=True, loses_down=True)
        while True:
            self.send(3)
            if self.up:
                self.reach_the_server()
            elif self.model.acks_due and not self.model.commits_at_once:
                self.commit()
            elif self.down:
                self.reach_the_client()
            elif self.session.waiting:
                self.server_stream.push(self.model.release(self.session, min(self.session.waiting)))  # type: ignore[union-attr]
            else:
                break
        self.check()

    def check(self) -> None:
        assert self.core.backlog == 0
        # A cut before the first Welcome leaves a session that nobody can resume: nothing may have been said there.
        assert all(each.seen == 0 for each in self.model.sessions.values() if each is not self.session)
        created = [each.body.id for each in self.tickets if not self._is_proposal(each) and each.body.name != "refuse"]  # type: ignore[union-attr]
        assert self.model.created == created, "lost, doubled, or out of order"
        for ticket in self.tickets:
            answer = self.answered[id(ticket)]
            if self._is_proposal(ticket):
                assert answer == self.model.verdicts[ticket.body.transition_id]  # type: ignore[union-attr]
            elif ticket.body.name == "refuse":  # type: ignore[union-attr]
                assert isinstance(answer, ObjectNotFound)
            else:
                assert answer is None
        transitions = self.model.transitions
        assert len(transitions) == len(set(transitions)), "decided twice"
        at_once = [
            each.body.transition_id  # type: ignore[union-attr]
            for each in self.tickets
            if self._is_proposal(each) and each.body.state.name != "wait"  # type: ignore[union-attr]
        ]
        assert [each for each in transitions if each in set(at_once)] == at_once, "out of order"

    @staticmethod
    def _is_proposal(ticket: Ticket) -> bool:
        return hasattr(ticket.body, "transition_id")


TestCutAnywhere = CutAnywhere.TestCase
TestCutAnywhere.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

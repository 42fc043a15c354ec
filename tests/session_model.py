"""A small server of sessions to test clients against: the contract of session.proto, in memory and without sockets.

What a frame asks for is written in it: a state's name decides the verdict (`wait`, `reject`; anything else is
accepted), and a run named `refuse` is refused.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from antiphon.v1 import session_pb2, transition_pb2

FINAL_STAGES = (
    session_pb2.COMMAND_STAGE_APPLIED,
    session_pb2.COMMAND_STAGE_REFUSED,
    session_pb2.COMMAND_STAGE_TOO_LATE,
)


def make_status(code: str, reason: str, message: str = "", retry_after: float | None = None) -> status_pb2.Status:
    """A status with one ErrorInfo, as the real server sends it."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message or reason.lower())
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo] = [
        error_details_pb2.ErrorInfo(reason=reason, domain="antiphon")
    ]
    if retry_after is not None:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromNanoseconds(round(retry_after * 1e9))
        details.append(info)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


class Refused(Exception):
    """Ends a stream."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


@dataclass
class Session:
    """One client."""

    id: str
    epoch: int = 0
    #: The last frame that is committed, which may be behind those that are answered.
    committed: int = 0
    seen: int = 0
    over: bool = False
    waiting: dict[str, int] = field(default_factory=dict)
    commands: dict[str, session_pb2.Command] = field(default_factory=dict)
    stages: list[tuple[str, int, str]] = field(default_factory=list)
    heartbeats: int = 0


class Stream:
    """One attach. Frames for the client go to `push`, a message each call."""

    def __init__(
        self, model: "SessionModel", session: Session, push: Callable[[list[session_pb2.ServerFrame]], object]
    ):
        self.model, self.session, self.push = model, session, push
        session.epoch += 1
        self.epoch = session.epoch
        welcome = session_pb2.Welcome(
            session_id=session.id,
            resume_token=f"{session.id}/{model.secret}",
            epoch=self.epoch,
            committed_sequence=session.committed,
            max_unacked_frames=model.window,
        )
        session.seen = session.committed
        welcome.ttl_timeout.FromNanoseconds(round(model.ttl * 1e9))
        push(
            [
                session_pb2.ServerFrame(welcome=welcome),
                *(session_pb2.ServerFrame(command=each) for each in session.commands.values()),
            ]
        )

    def receive(self, frames: Iterable[session_pb2.ClientFrame]) -> None:
        """Takes in one message and answers it. Raises Refused where the stream ends."""
        session = self.session
        if session.over:
            raise Refused(make_status("FAILED_PRECONDITION", "SESSION_EXPIRED"))
        if self.epoch != session.epoch:
            raise Refused(make_status("ABORTED", "SESSION_SUPERSEDED"))
        answers: list[session_pb2.ServerFrame] = []
        last = 0
        for frame in frames:
            if frame.WhichOneof("body") == "heartbeat":
                session.heartbeats += 1
                answers.append(session_pb2.ServerFrame(heartbeat_ack=session_pb2.HeartbeatAck()))
            elif frame.WhichOneof("body") == "goodbye":
                session.over = True
            else:
                if frame.sequence > session.seen + 1:
                    raise Refused(make_status("FAILED_PRECONDITION", "SEQUENCE_GAP"))
                session.seen = max(session.seen, frame.sequence)
                last = max(last, frame.sequence)
                answers.extend(self.model.answer(session, frame))
        if last:
            if self.model.commits_at_once:
                session.committed = session.seen
                answers.append(session_pb2.ServerFrame(ack=session_pb2.Ack(sequence=last)))
            self.model.acks_due.append((self, last))
        if answers:
            self.push(answers)

    def acknowledge(self, sequence: int) -> None:
        """Commits what a message brought, for a model that does not do so at once."""
        if self.epoch == self.session.epoch:
            self.session.committed = max(self.session.committed, sequence)
            self.push([session_pb2.ServerFrame(ack=session_pb2.Ack(sequence=sequence))])


class SessionModel:
    """The server: sessions, runs that were created, and transitions that were made, each in order."""

    def __init__(self, *, window: int = 1024, ttl: float = 30.0, commits_at_once: bool = True) -> None:
        self.window, self.ttl, self.commits_at_once = window, ttl, commits_at_once
        self.secret = "secret"
        self.sessions: dict[str, Session] = {}
        self.clients: list[str] = []
        self.created: list[str] = []
        self.verdicts: dict[str, transition_pb2.Verdict] = {}
        self.transitions: list[str] = []
        self.acks_due: list[tuple[Stream, int]] = []
        self._numbers = itertools.count(1)

    def attach(self, hello: session_pb2.Hello, push: Callable[[list[session_pb2.ServerFrame]], object]) -> Stream:
        """Opens a session or goes on with one. Raises Refused."""
        self.clients.append(hello.client)
        if not hello.resume_token:
            session = Session(f"session-{next(self._numbers)}")
            self.sessions[session.id] = session
            return Stream(self, session, push)
        session_id, _, secret = hello.resume_token.partition("/")
        if secret != self.secret or session_id not in self.sessions:
            raise Refused(make_status("UNAUTHENTICATED", "RESUME_TOKEN_INVALID", "the resume token is forged"))
        if self.sessions[session_id].over:
            raise Refused(make_status("FAILED_PRECONDITION", "SESSION_EXPIRED", "the session was lost"))
        return Stream(self, self.sessions[session_id], push)

    def answer(self, session: Session, frame: session_pb2.ClientFrame) -> list[session_pb2.ServerFrame]:
        """The answers to one durable frame, before its Ack."""
        kind = frame.WhichOneof("body")
        if kind == "proposal":
            verdict = self.propose(session, frame.sequence, frame.proposal)
            return [verdict_frame(frame.sequence, verdict)]
        if kind == "command_result":
            result = frame.command_result
            session.stages.append((result.command_id, result.stage, result.message))
            if result.stage in FINAL_STAGES:
                session.commands.pop(result.command_id, None)
            return []
        run = frame.create_flow_run if kind == "create_flow_run" else frame.create_task_run
        if run.name == "refuse":
            status = make_status("NOT_FOUND", "FLOW_RUN_NOT_FOUND", "no such flow run")
            return [session_pb2.ServerFrame(error=session_pb2.FrameError(sequence=frame.sequence, status=status))]
        if run.id not in self.created:
            self.created.append(run.id)
        return []

    def propose(self, session: Session, sequence: int, proposal: transition_pb2.Proposal) -> transition_pb2.Verdict:
        """A verdict, the same again for the same proposal."""
        name = proposal.state.name
        if proposal.transition_id in self.verdicts:
            return self.verdicts[proposal.transition_id]
        if name == "wait":
            session.waiting[proposal.transition_id] = sequence
            return transition_pb2.Verdict(transition_id=proposal.transition_id, kind=transition_pb2.VERDICT_KIND_WAIT)
        kind = transition_pb2.VERDICT_KIND_REJECT if name == "reject" else transition_pb2.VERDICT_KIND_ACCEPT
        return self._decide(proposal.transition_id, kind)

    def release(self, session: Session, transition_id: str) -> list[session_pb2.ServerFrame]:
        """The wait of a proposal is over: gives what is pushed for it."""
        sequence = session.waiting.pop(transition_id)
        verdict = self._decide(transition_id, transition_pb2.VERDICT_KIND_ACCEPT)
        return [verdict_frame(sequence, verdict)]

    def _decide(self, transition_id: str, kind: transition_pb2.VerdictKind) -> transition_pb2.Verdict:
        self.transitions.append(transition_id)
        verdict = transition_pb2.Verdict(
            transition_id=transition_id, kind=kind, reason=f"decision {len(self.transitions)}"
        )
        self.verdicts[transition_id] = verdict
        return verdict


def verdict_frame(sequence: int, verdict: transition_pb2.Verdict) -> session_pb2.ServerFrame:
    return session_pb2.ServerFrame(verdict=session_pb2.SequencedVerdict(sequence=sequence, verdict=verdict))

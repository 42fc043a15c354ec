"""The session's side of the protocol without any input or output: what to send, and what an answer means.

Nothing here blocks. `submit` may be called from any thread; everything else only under one lock of the caller's.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from antiphon.exceptions import AntiphonException, ServerError
from antiphon.server_errors import from_status
from antiphon.session.ticket import Body, Ticket
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import (
    ClientFrame,
    Command,
    CommandResult,
    FrameError,
    Goodbye,
    Heartbeat,
    Hello,
    SequencedVerdict,
    ServerFrame,
    Welcome,
)
from antiphon.v1.session_service_pb2 import AttachRequest
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import VERDICT_KIND_WAIT, Proposal, Verdict

#: Of one message; the first is the contract's.
MAX_MESSAGE_FRAMES = 1024
MAX_MESSAGE_BYTES = 1024 * 1024
#: gRPC servers take messages of 4 MiB unless told otherwise.
MAX_FRAME_BYTES = 4 * 1024 * 1024 - 1024
#: Until the server has said its own.
DEFAULT_WINDOW = 1024
#: Seconds that a server may take from Hello to Welcome.
GREETING_PATIENCE = 20.0
#: A stream on which nothing was heard since this many heartbeats, one whole TTL, is dead.
MAX_SILENT_BEATS = 3

_FIELDS: dict[type[Body], str] = {
    FlowRun: "create_flow_run",
    TaskRun: "create_task_run",
    Proposal: "proposal",
    CommandResult: "command_result",
}

Answer: TypeAlias = tuple[Ticket, Verdict | None, AntiphonException | None]


class SessionState(Enum):
    """Where a session stands."""

    DISCONNECTED = auto()
    #: A stream is open, Hello is said, Welcome not heard.
    GREETING = auto()
    ATTACHED = auto()
    #: Goodbye is said. For good, as LOST is.
    CLOSED = auto()
    LOST = auto()


class _Entry:
    """A durable frame with its number, kept until it is answered and known to be committed."""

    __slots__ = ("needs_verdict", "refusal", "sequence", "stream", "ticket", "wire")

    def __init__(self, sequence: int, ticket: Ticket, wire: bytes) -> None:
        self.sequence = sequence
        self.ticket = ticket
        self.wire = wire
        self.needs_verdict = type(ticket.body) is Proposal
        #: The stream that it was last sent on.
        self.stream = 0
        #: The server's no, until it is acked: a server that is cut off before would decide anew.
        self.refusal: AntiphonException | None = None


@dataclass(slots=True)
class Received:
    """What the frames of one message brought."""

    #: Tickets to settle, in order.
    answers: list[Answer] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    welcome: bool = False
    #: The stream carries: something was answered, or a heartbeat was.
    progress: bool = False


def encode(frame: ClientFrame) -> bytes:
    """One frame as a message of its own. Messages set end to end are one message with the frames of all."""
    return AttachRequest(frames=[frame]).SerializeToString()


HEARTBEAT = encode(ClientFrame(heartbeat=Heartbeat()))


class SessionCore:
    """The journal and the state of one session, over all its streams."""

    def __init__(self, client: str) -> None:
        self._client = client
        self.state = SessionState.DISCONNECTED
        #: Counts the streams; whatever comes from an older one is void.
        self.stream = 0
        self.session_id = ""
        self.epoch = 0
        #: Seconds; 0 before the first Welcome.
        self.ttl = 0.0
        #: How many durable frames may be on their way.
        self.window = DEFAULT_WINDOW
        #: Why nothing can be submitted any more.
        self.error: AntiphonException | None = None
        #: Says who this is; empty before the first Welcome.
        self.resume_token = ""
        self._silent_beats = 0
        self._farewell = b""
        self._last_sequence = 0
        #: Submitted, without a number yet. Taking numbers late means that a thread which is interrupted while it
        #: submits leaves all of its frames here or none, and never a gap.
        self._inbox: deque[Ticket] = deque()
        #: To be sent on this stream, in order.
        self._unsent: deque[_Entry] = deque()
        #: Sent on this stream, and neither answered nor put off by WAIT.
        self._on_the_way: dict[int, _Entry] = {}
        #: Without a final answer, by number.
        self._open: dict[int, _Entry] = {}
        #: Not covered by an Ack. A frame can be answered before the ones ahead of it are committed, and then a server
        #: that was cut off will ask for it again.
        self._unacked: deque[_Entry] = deque()

    # What the session's users do

    def submit(self, bodies: Iterable[Body]) -> list[Ticket]:
        """Queue frames, next to each other and in order. Safe in any thread; raises TypeError for other messages.

        Whoever submits looks at `error` afterwards, and fails what `reject` gives if it is set.
        """
        tickets = [Ticket(body) for body in bodies]
        for ticket in tickets:
            if type(ticket.body) not in _FIELDS:
                raise TypeError(f"a session takes FlowRun, TaskRun and Proposal, not {type(ticket.body).__name__}")
        self._inbox.extend(tickets)
        return tickets

    def reject(self) -> list[Ticket]:
        """Take back what was submitted after the end."""
        tickets = []
        while self._inbox:
            tickets.append(self._inbox.popleft())
        return tickets

    @property
    def backlog(self) -> int:
        """How many frames are not answered, WAIT being an answer."""
        return len(self._inbox) + len(self._unsent) + len(self._on_the_way)

    def unanswered(self) -> list[Ticket]:
        """The tickets that `backlog` counts, the oldest first."""
        numbered = [*self._on_the_way.values(), *self._unsent]
        return [*(entry.ticket for entry in numbered), *list(self._inbox)]

    def say_goodbye(self, reason: str, error: AntiphonException) -> bool:
        """End the session after what can be sent now; `error` is for who comes later. False if nobody can be told."""
        if self.state is not SessionState.ATTACHED:
            return False
        self._farewell = encode(ClientFrame(goodbye=Goodbye(reason=reason)))
        self.error = error
        return True

    def end(self, state: SessionState, error: AntiphonException) -> list[Ticket]:
        """Nothing will be sent any more. Gives the tickets to fail, in order; ends the present stream. `error` says
        why, unless something did before."""
        self.state = state
        self.stream += 1
        self.error = self.error or error
        tickets = [entry.ticket for _, entry in sorted(self._open.items())]
        for journal in (self._unsent, self._on_the_way, self._open, self._unacked):
            journal.clear()
        return [*tickets, *self.reject()]

    # What the transport does

    def connect(self) -> int:
        """Begin a stream and give its number. `hello` goes out first."""
        self.stream += 1
        self.state = SessionState.GREETING
        self._silent_beats = 0
        return self.stream

    def hello(self) -> bytes:
        """The first message of a stream."""
        return encode(ClientFrame(hello=Hello(client=self._client, resume_token=self.resume_token)))

    @property
    def patience(self) -> float | None:
        """Seconds of silence on our side after which to call `beat`; None without a TTL."""
        if self.state is SessionState.GREETING:
            return GREETING_PATIENCE
        return self.ttl / 3 if self.ttl else None

    def beat(self) -> bool:
        """Whether a heartbeat is due. False says that the peer is dead: not one word for a whole TTL, or no Welcome."""
        self._silent_beats += 1
        return self.state is not SessionState.GREETING and self._silent_beats <= MAX_SILENT_BEATS

    @property
    def awaits_answer(self) -> bool:
        """Whether something was said on this stream that the server answers as soon as it can. For any thread."""
        return self.state is SessionState.GREETING or bool(self._on_the_way) or self._silent_beats > 0

    @property
    def sendable(self) -> bool:
        """Whether `frames_to_send` would give something."""
        if self.state is not SessionState.ATTACHED:
            return False
        return bool(self._farewell) or (bool(self._inbox or self._unsent) and len(self._on_the_way) < self.window)

    def frames_to_send(
        self, stream: int, max_frames: int = MAX_MESSAGE_FRAMES, max_bytes: int = MAX_MESSAGE_BYTES
    ) -> tuple[list[bytes] | None, list[Answer]]:
        """Encoded frames for one message, at least one if any may go; None once `stream` is over.

        Beside them, answers to frames that can't be sent at all.
        """
        if stream != self.stream or self.state not in (SessionState.GREETING, SessionState.ATTACHED):
            return None, []
        wires: list[bytes] = []
        if self.state is SessionState.GREETING:
            return wires, []
        answers = self._number(max_frames)
        size = 0
        unsent, on_the_way = self._unsent, self._on_the_way
        room = min(max_frames, self.window - len(on_the_way))
        while unsent and len(wires) < room:
            entry = unsent[0]
            size += len(entry.wire)
            if size > max_bytes and wires:
                break
            unsent.popleft()
            entry.stream = stream
            on_the_way[entry.sequence] = entry
            wires.append(entry.wire)
        if self._farewell and len(wires) < max_frames:
            wires.append(self._farewell)
            self.state = SessionState.CLOSED
        return wires, answers

    def _number(self, limit: int) -> list[Answer]:
        """Give numbers to submitted frames, until `limit` wait to be sent."""
        refused: list[Answer] = []
        while self._inbox and len(self._unsent) < limit:
            ticket = self._inbox.popleft()
            body = ticket.body
            # mypy cannot know that the field fits the body.
            frame = ClientFrame(sequence=self._last_sequence + 1, **{_FIELDS[type(body)]: body})  # type: ignore[arg-type]
            wire = encode(frame)
            if len(wire) > MAX_FRAME_BYTES:
                refused.append((ticket, None, _too_large(body, len(wire))))
                continue
            self._last_sequence += 1
            entry = _Entry(self._last_sequence, ticket, wire)
            self._open[entry.sequence] = entry
            self._unacked.append(entry)
            self._unsent.append(entry)
        return refused

    def disconnected(self, stream: int) -> None:
        """The stream is over; what it left open is to be sent again on the next one."""
        if stream != self.stream or self.state not in (SessionState.GREETING, SessionState.ATTACHED):
            return
        self.state = SessionState.DISCONNECTED
        self._on_the_way.clear()
        for entry in self._unacked:
            entry.refusal = None
        again = {entry.sequence: entry for entry in self._unacked} | self._open
        self._unsent = deque(entry for _, entry in sorted(again.items()))
        self._unacked = deque(self._unsent)

    def receive(self, stream: int, frames: Iterable[ServerFrame]) -> Received:
        """Take in the frames of one message."""
        received = Received()
        if stream != self.stream:
            return received
        self._silent_beats = 0
        for frame in frames:
            kind = frame.WhichOneof("body")
            if kind == "verdict":
                self._verdict(frame.verdict, received)
            elif kind == "ack":
                self._ack(frame.ack.sequence, received)
            elif kind == "error":
                self._refusal(frame.error, received)
            elif kind == "command":
                received.commands.append(frame.command)
            elif kind == "welcome":
                self._welcome(frame.welcome)
                received.welcome = True
            elif kind == "heartbeat_ack":
                received.progress = True
        if received.answers:
            received.progress = True
        return received

    def _welcome(self, welcome: Welcome) -> None:
        self.state = SessionState.ATTACHED
        self.session_id = welcome.session_id
        self.epoch = welcome.epoch
        self.ttl = welcome.ttl_timeout.ToTimedelta().total_seconds()
        self.window = welcome.max_unacked_frames or DEFAULT_WINDOW
        self.resume_token = welcome.resume_token
        committed = welcome.committed_sequence
        # Those are answered from the server's memory; answered ones that it has not committed close gaps.
        self._unsent = deque(
            entry for entry in self._unsent if entry.sequence in self._open or entry.sequence > committed
        )
        self._unacked = deque(self._unsent)

    def _verdict(self, sequenced: SequencedVerdict, received: Received) -> None:
        sequence, verdict = sequenced.sequence, sequenced.verdict
        self._on_the_way.pop(sequence, None)
        entry = self._open.get(sequence)
        if entry is None or not entry.needs_verdict:
            return
        if verdict.kind == VERDICT_KIND_WAIT:
            entry.ticket.deferred = True
            received.progress = True
            return
        del self._open[sequence]
        received.answers.append((entry.ticket, verdict, None))

    def _refusal(self, error: FrameError, received: Received) -> None:
        entry = self._open.get(error.sequence)
        if entry is None:
            return
        if error.sequence in self._on_the_way:
            entry.refusal = from_status(error.status)
            return
        # The Ack came with WAIT; this is what became of it in the end.
        del self._open[error.sequence]
        received.answers.append((entry.ticket, None, from_status(error.status)))

    def _ack(self, sequence: int, received: Received) -> None:
        # One that this stream has not carried again is not meant: the server says anew what became of it.
        unacked, stream = self._unacked, self.stream
        while unacked and unacked[0].sequence <= sequence and unacked[0].stream == stream:
            entry = unacked.popleft()
            if entry.needs_verdict and entry.refusal is None:
                continue
            self._on_the_way.pop(entry.sequence, None)
            if self._open.pop(entry.sequence, None) is not None:
                received.answers.append((entry.ticket, None, entry.refusal))


def _too_large(body: Body, size: int) -> ServerError:
    return ServerError(
        f"A {type(body).__name__} of {size:,} bytes cannot be sent, the most is {MAX_FRAME_BYTES:,}. Keep large values "
        "in result storage, or pass a path to them.",
        code="INVALID_ARGUMENT",
        reason="FRAME_TOO_LARGE",
    )

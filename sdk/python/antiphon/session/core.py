"""The session's memory and rules, without a socket: what must be sent, what was answered, what to do after a cut.

Durable frames are numbered and stay in the journal until they are answered: a proposal by its final verdict or an
error, another frame by an Ack or an error. After a cut everything in the journal is sent again; the server answers
what it has committed as it did before, so nothing is lost and nothing happens twice.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from antiphon.exceptions import ServerError
from antiphon.server_errors import from_status
from antiphon.session.ticket import Body, Ticket
from antiphon.v1 import session_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import ClientFrame, Command, CommandStage, ServerFrame
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal, Verdict

#: Before Welcome says how many frames may be unanswered.
FIRST_WINDOW = 1024
WAIT = 3
#: Commands whose handling is remembered, so that one sent again after a cut is not obeyed twice.
REMEMBERED_COMMANDS = 4096


@dataclass(slots=True)
class _Entry:
    frame: ClientFrame
    ticket: Ticket
    is_proposal: bool


@dataclass(slots=True)
class Settled:
    """A ticket that has its answer."""

    ticket: Ticket
    answer: Verdict | None
    error: ServerError | None = None


class SessionCore:
    """Not thread-safe; whoever drives it holds a lock."""

    def __init__(self, client: str) -> None:
        self._client = client
        self.session_id = ""
        self.attached = False
        self.window = FIRST_WINDOW
        self.ttl_seconds = 30.0
        self._resume_token = ""
        self._last = 0
        self._journal: dict[int, _Entry] = {}
        #: Numbers that no Ack covers yet, in order.
        self._unacked: deque[int] = deque()
        self._outbox: deque[ClientFrame] = deque()
        self._stages: dict[str, CommandStage] = {}

    # Speaking

    def submit(self, bodies: Iterable[Body]) -> list[Ticket]:
        """Numbers and journals frames, to be sent in this order."""
        return [self._enter(body) for body in bodies]

    def _enter(self, body: Body) -> Ticket:
        self._last += 1
        frame = ClientFrame(sequence=self._last)
        ticket = Ticket(body)
        is_proposal = isinstance(body, Proposal)
        if isinstance(body, Proposal):
            frame.proposal.CopyFrom(body)
        elif isinstance(body, TaskRun):
            frame.create_task_run.CopyFrom(body)
        elif isinstance(body, FlowRun):
            frame.create_flow_run.CopyFrom(body)
        else:
            frame.command_result.CopyFrom(body)
        self._journal[self._last] = _Entry(frame, ticket, is_proposal)
        self._unacked.append(self._last)
        if self.attached:
            self._outbox.append(frame)
        return ticket

    @property
    def unacked(self) -> int:
        """Frames that count towards the window."""
        return len(self._unacked)

    @property
    def unanswered(self) -> int:
        """Frames whose ticket is open, those that wait for a scheduled time among them."""
        return len(self._journal)

    def has_frames(self) -> bool:
        return bool(self._outbox)

    def take_frames(self, max_frames: int, max_bytes: int) -> list[ClientFrame]:
        """What to send next, in one message: at least one frame, if there is any."""
        taken: list[ClientFrame] = []
        size = 0
        while self._outbox and len(taken) < max_frames:
            size += self._outbox[0].ByteSize()
            if taken and size > max_bytes:
                break
            taken.append(self._outbox.popleft())
        return taken

    def say_goodbye(self) -> None:
        """The session ends for good behind what is queued."""
        if self.attached:
            self._outbox.append(ClientFrame(goodbye=session_pb2.Goodbye(reason="the process ends")))

    def connecting(self) -> ClientFrame:
        """A new stream begins; gives its Hello."""
        self.attached = False
        self._outbox.clear()
        return ClientFrame(hello=session_pb2.Hello(client=self._client, resume_token=self._resume_token))

    def disconnected(self) -> None:
        """The stream is over; what it had not sent is in the journal."""
        self.attached = False
        self._outbox.clear()

    def abandon(self) -> list[Ticket]:
        """No answer will come any more: gives the open tickets and forgets them."""
        tickets = [entry.ticket for entry in self._journal.values()]
        self._journal.clear()
        self._unacked.clear()
        self.disconnected()
        return tickets

    # Listening

    def receive(self, frames: Sequence[ServerFrame]) -> tuple[list[Settled], list[Command]]:
        """Takes in what the server says; gives the answers that it holds, in order, and the commands."""
        settled: list[Settled] = []
        commands: list[Command] = []
        for frame in frames:
            kind = frame.WhichOneof("body")
            if kind == "verdict":
                if frame.verdict.verdict.kind != WAIT:
                    self._settle(settled, frame.verdict.sequence, frame.verdict.verdict)
            elif kind == "ack":
                self._acknowledged(settled, frame.ack.sequence)
            elif kind == "error":
                self._settle(settled, frame.error.sequence, None, from_status(frame.error.status))
            elif kind == "command":
                commands.append(frame.command)
            elif kind == "welcome":
                self._welcome(frame.welcome)
        return settled, commands

    def _welcome(self, welcome: session_pb2.Welcome) -> None:
        self.session_id = welcome.session_id
        self._resume_token = welcome.resume_token
        self.window = welcome.max_unacked_frames or FIRST_WINDOW
        self.ttl_seconds = welcome.ttl_timeout.ToTimedelta().total_seconds() or self.ttl_seconds
        self.attached = True
        self._outbox.extend(entry.frame for entry in self._journal.values())

    def _settle(
        self, settled: list[Settled], sequence: int, answer: Verdict | None, error: ServerError | None = None
    ) -> None:
        entry = self._journal.pop(sequence, None)
        if entry is not None:
            settled.append(Settled(entry.ticket, answer, error))

    def _acknowledged(self, settled: list[Settled], sequence: int) -> None:
        while self._unacked and self._unacked[0] <= sequence:
            number = self._unacked.popleft()
            entry = self._journal.get(number)
            if entry is not None and not entry.is_proposal:
                self._settle(settled, number, None)

    # Commands

    def known_stage(self, command: Command) -> CommandStage | None:
        """How far a command has come that was sent before; None for a new one."""
        return self._stages.get(command.id)

    def note_stage(self, command: Command, stage: CommandStage) -> None:
        self._stages[command.id] = stage
        while len(self._stages) > REMEMBERED_COMMANDS:
            del self._stages[next(iter(self._stages))]

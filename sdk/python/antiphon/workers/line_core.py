"""A worker's side of `WorkService.Work` without any input or output: what to say, and what an answer means.

Nothing here blocks, knows the time unless it is told, or may be called by two threads at once.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration

from antiphon.text_limits import clip_characters
from antiphon.v1 import session_pb2
from antiphon.v1 import work_service_pb2 as pb

#: The contract's limits.
MOST_CREDIT = 10_000
_MAX_MESSAGE = 10_000
_MAX_PID = 1000
#: Seconds that the server may take from WorkerHello to WorkerWelcome.
GREETING_PATIENCE = 20.0
#: A stream on which nothing was heard since this many heartbeats, one whole lease, is dead.
MAX_SILENT_BEATS = 3
#: Seconds after which a run that found no room here may be offered here again.
_RETRY_AFTER = 1
#: Exit codes are as the contract has numbers.
_INT32 = 2**31


class LineState(Enum):
    """Where a worker's line to the server stands."""

    CUT = auto()
    #: A stream is open, WorkerHello is said, WorkerWelcome not heard.
    GREETING = auto()
    #: WorkerWelcome is heard, and what the server offers again may still be on its way: no room is told of yet.
    COMING_BACK = auto()
    WORKING = auto()
    #: Goodbye is said.
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a run: the run, and its fencing token as it was offered."""

    flow_run_id: str
    fencing_token: int

    def message(self) -> pb.Claim:
        """As it is said to the server."""
        return pb.Claim(flow_run_id=self.flow_run_id, fencing_token=self.fencing_token)


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server knows the worker, for the first time or again."""

    welcome: pb.WorkerWelcome


@dataclass(frozen=True, slots=True)
class Offered:
    """A run to be run, which was answered with TAKEN."""

    claim: Claim
    offer: pb.WorkOffer


@dataclass(frozen=True, slots=True)
class Kill:
    """What runs a run is to be killed, and its end to be reported."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A claim is not the worker's any more: what runs it is to be killed, and nothing to be reported."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of what ran a run is stored: nothing is left of the claim."""

    claim: Claim


Event: TypeAlias = Welcomed | Offered | Kill | Lost | Settled


@dataclass(slots=True)
class _Held:
    """What is to be said of a claim until the server has stored it."""

    started: pb.InfrastructureStarted | None = None
    exited: pb.InfrastructureExited | None = None


@dataclass(slots=True)
class LineCore:
    """The claims of one worker, and what it says of them, over all its streams."""

    #: Without `resume_token` and `holds`.
    hello: pb.WorkerHello
    #: How many runs it has at a time; None is no bound but the contract's.
    limit: int | None = None
    state: LineState = LineState.CUT
    #: Counts the streams; whatever comes from an older one is void.
    stream: int = 0
    #: Seconds; 0 before the first Welcome.
    lease: float = 0.0
    #: When the server was last heard, by whatever clock the caller tells; None before the first Welcome.
    heard_at: float | None = None
    #: The server has said that it will stop.
    draining: bool = False
    _resume_token: str = ""
    _taking: bool = True
    #: Claims that were answered with TAKEN, until their end is stored.
    _held: dict[Claim, _Held] = field(default_factory=dict)
    #: Claims of this stream's WorkerHello that were given back before it was answered, and why.
    _said_held: dict[Claim, str] = field(default_factory=dict)
    #: Offers that were asked for on this stream and have not come.
    _asked: int = 0
    _silent_beats: int = 0
    #: To be said on this stream, in order.
    _unsaid: deque[pb.WorkRequest] = field(default_factory=deque)

    # What the worker does

    @property
    def holds(self) -> list[Claim]:
        """The claims that are acted on, those included whose end is not stored yet."""
        return list(self._held)

    @property
    def at_work(self) -> int:
        """How many claims are acted on, and have not come to their end."""
        return sum(held.exited is None for held in self._held.values())

    def started(self, claim: Claim, infrastructure_pid: str) -> None:
        """What runs a run was started. Nothing is said of a claim that is not held any more."""
        held = self._held.get(claim)
        if held is not None and infrastructure_pid:
            pid = clip_characters(infrastructure_pid, _MAX_PID)
            held.started = pb.InfrastructureStarted(claim=claim.message(), infrastructure_pid=pid)
            self._say(pb.WorkRequest(started=held.started))

    def exited(self, claim: Claim, infrastructure_pid: str, exit_code: int, message: str) -> None:
        """What ran a run has ended, or could not be started."""
        held = self._held.get(claim)
        if held is None:
            return
        held.started = None
        held.exited = pb.InfrastructureExited(
            claim=claim.message(),
            infrastructure_pid=clip_characters(infrastructure_pid, _MAX_PID),
            exit_code=max(min(exit_code, _INT32 - 1), -_INT32),
            message=clip_characters(message, _MAX_MESSAGE),
        )
        self._say(pb.WorkRequest(exited=held.exited))

    def give_back(self, claim: Claim, reason: str) -> None:
        """Act on a claim no more, before what runs it has come to anything: it is declined, or offered again when the
        server is back."""
        if self._held.pop(claim, None) is None:
            return
        if self.state is LineState.GREETING:
            # WorkerHello has said that it is held.
            self._said_held[claim] = reason
        else:
            self._answer(claim, reason)

    def take_no_more(self) -> None:
        """No more runs are wanted, from now on."""
        if self._taking:
            self._taking = False
            self._asked = 0
            self._say(pb.WorkRequest(credit=pb.WorkerCredit(none=True)))

    def say_goodbye(self, reason: str) -> bool:
        """End the stream for good after what is to be said. False where there is none."""
        if self.state not in (LineState.WORKING, LineState.COMING_BACK):
            return False
        self._unsaid.append(pb.WorkRequest(goodbye=session_pb2.Goodbye(reason=clip_characters(reason, 1000))))
        return True

    # What the stream does

    def connect(self) -> pb.WorkRequest:
        """Begin a stream; gives what goes out first."""
        self.stream += 1
        self.state = LineState.GREETING
        self.draining = False
        self._silent_beats = self._asked = 0
        self._unsaid.clear()
        self._said_held.clear()
        hello = pb.WorkerHello(resume_token=self._resume_token, holds=[claim.message() for claim in self._held])
        hello.MergeFrom(self.hello)
        return pb.WorkRequest(hello=hello)

    def disconnected(self, stream: int) -> None:
        """The stream is over."""
        if stream == self.stream and self.state is not LineState.CLOSED:
            self.state = LineState.CUT

    def expired(self) -> None:
        """The session is gone: come without it next time, and hear which claims are lost."""
        self._resume_token = ""

    def to_say(self, stream: int) -> list[pb.WorkRequest] | None:
        """What is to be said now, in order; None once the stream is over."""
        if stream != self.stream or self.state in (LineState.CUT, LineState.CLOSED):
            return None
        if self.state is LineState.GREETING:
            return []
        room = self._room()
        if room > 0:
            self._asked += room
            self._unsaid.append(pb.WorkRequest(credit=pb.WorkerCredit(runs=room)))
        said = list(self._unsaid)
        self._unsaid.clear()
        if said and said[-1].WhichOneof("body") == "goodbye":
            self.state = LineState.CLOSED
        return said

    @property
    def patience(self) -> float:
        """Seconds of silence on our side after which to call `beat`."""
        return GREETING_PATIENCE if self.state is LineState.GREETING or not self.lease else self.lease / 3

    def beat(self) -> bool:
        """A heartbeat is due, and is to be said next. False says that the peer is dead: not one word for a whole lease,
        or no Welcome."""
        self._silent_beats += 1
        if self.state is LineState.GREETING or self._silent_beats > MAX_SILENT_BEATS:
            return False
        self._say(_heartbeat())
        return True

    def receive(self, stream: int, message: pb.WorkResponse, now: float) -> list[Event]:
        """Take in a message."""
        if stream != self.stream or self.state is LineState.CUT:
            return []
        self._silent_beats, self.heard_at = 0, now
        kind = message.WhichOneof("body")
        if kind == "welcome":
            return self._welcome(message.welcome)
        if kind == "offer":
            return self._offer(message.offer)
        if kind == "recorded":
            return self._recorded(message.recorded)
        if kind == "command":
            return list(self._command(message.command))
        if kind == "heartbeat_ack" and self.state is LineState.COMING_BACK:
            # What was offered again came before.
            self.state = LineState.WORKING
        return []

    # Inside

    def _room(self) -> int:
        if not self._taking or self.state is not LineState.WORKING:
            return 0
        return min(self.limit or MOST_CREDIT, MOST_CREDIT) - self.at_work - self._asked

    def _say(self, request: pb.WorkRequest) -> None:
        """Says it on this stream; what has to be stored is said again on the next one where there is none."""
        if self.state in (LineState.WORKING, LineState.COMING_BACK):
            self._unsaid.append(request)

    def _welcome(self, welcome: pb.WorkerWelcome) -> list[Event]:
        resumed, self._resume_token = bool(self._resume_token), welcome.resume_token
        self.lease = welcome.lease_timeout.ToTimedelta().total_seconds()
        self.state = LineState.COMING_BACK if resumed else LineState.WORKING
        events: list[Event] = [Welcomed(welcome)]
        for lost in map(_claim_of, welcome.lost):
            if self._held.pop(lost, None) is not None:
                events.append(Lost(lost, "the lease of its worker had run out"))
        for claim, reason in self._said_held.items():
            self._answer(claim, reason)
        for held in self._held.values():
            if held.started is not None:
                self._say(pb.WorkRequest(started=held.started))
            if held.exited is not None:
                self._say(pb.WorkRequest(exited=held.exited))
        if resumed:
            self._say(_heartbeat())
        return events

    def _offer(self, offer: pb.WorkOffer) -> list[Event]:
        claim = Claim(offer.flow_run.id, offer.fencing_token)
        if claim in self._held:
            # It was offered again, for which no room was asked.
            self._answer(claim, "")
            return []
        self._asked = max(self._asked - 1, 0)
        if not self._taking:
            self._answer(claim, "the worker is stopping")
            return []
        if self.limit is not None and self.at_work >= self.limit:
            self._answer(claim, f"the worker has {self.limit} runs, which is its limit")
            return []
        events: list[Event] = []
        for other in [each for each in self._held if each.flow_run_id == claim.flow_run_id]:
            # It was given back meanwhile, and has come here again.
            del self._held[other]
            events.append(Lost(other, "the run was claimed anew"))
        self._held[claim] = _Held()
        self._answer(claim, "")
        return [*events, Offered(claim, offer)]

    def _answer(self, claim: Claim, declined: str) -> None:
        answer = pb.OfferAnswer(claim=claim.message(), decision=pb.OFFER_DECISION_TAKEN)
        if declined:
            answer.decision = pb.OFFER_DECISION_DECLINED
            answer.reason = declined
            answer.retry_after.CopyFrom(Duration(seconds=_RETRY_AFTER))
        self._say(pb.WorkRequest(answer=answer))

    def _recorded(self, recorded: pb.Recorded) -> list[Event]:
        claim = _claim_of(recorded.claim)
        held = self._held.get(claim)
        if held is not None and not recorded.exited:
            held.started = None
        elif held is not None and held.exited is not None:
            del self._held[claim]
            return [Settled(claim)]
        return []

    def _command(self, command: session_pb2.Command) -> Iterable[Event]:
        kind = command.WhichOneof("body")
        if kind == "drain":
            self.draining = True
            self._obeyed(command, session_pb2.COMMAND_STAGE_APPLIED)
            return
        if kind not in ("cancel_run", "revoke_run", "kill_infrastructure"):
            why = "this worker does not know the command; upgrade antiphon where it runs"
            self._obeyed(command, session_pb2.COMMAND_STAGE_REFUSED, why)
            return
        body = getattr(command, kind)
        held = [
            claim for claim, each in self._held.items() if claim.flow_run_id == body.flow_run_id and each.exited is None
        ]
        for claim in held:
            yield Kill(claim, body.reason or "the server wants it to end")
        self._obeyed(command, session_pb2.COMMAND_STAGE_APPLIED if held else session_pb2.COMMAND_STAGE_TOO_LATE)

    def _obeyed(self, command: session_pb2.Command, stage: session_pb2.CommandStage, message: str = "") -> None:
        if not command.id:
            return  # Drain is for all who are attached, and nobody counts the answers.
        result = session_pb2.CommandResult(command_id=command.id, stage=stage, message=message)
        self._say(pb.WorkRequest(command_result=result))


def _claim_of(message: pb.Claim) -> Claim:
    return Claim(message.flow_run_id, message.fencing_token)


def _heartbeat() -> pb.WorkRequest:
    return pb.WorkRequest(heartbeat=session_pb2.Heartbeat())

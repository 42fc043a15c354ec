"""A process's conversation with the server about its runs."""

import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from antiphon.exceptions import AntiphonException, ServerError, ServerUnreachable, SessionLost
from antiphon.session import forking
from antiphon.session.commands import CommandDesk, RunHandler
from antiphon.session.core import HEARTBEAT, Answer, SessionCore, SessionState
from antiphon.session.outage import Outage
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.ticket import Body, Ticket
from antiphon.session.transport import Link, OnLink, Stream
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import CommandResult
from antiphon.v1.session_service_pb2 import AttachResponse
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal

#: Seconds to find a server at all.
STARTUP_TIMEOUT = 30.0
#: Seconds that the server may take to end the stream after Goodbye.
_GOODBYE_PATIENCE = 1.0
#: Seconds for which frames that nobody waits for are held back, to travel with what comes next.
_LINGER = 0.002

logger = logging.getLogger("antiphon.session")


class Session(OnLink):
    """Sends what runs of this process want, and gives tickets for the answers. Safe in any thread.

    It connects at once, in a thread of its own, and connects again when the server goes away; nothing that was
    submitted is lost by that, or done twice. Once it has ended, tickets fail at once.
    """

    method = "/antiphon.v1.SessionService/Attach"

    def __init__(
        self,
        connect: Callable[[], str],
        *,
        client: str = "antiphon",
        reconnect_timeout: float = 600.0,
        startup_timeout: float = STARTUP_TIMEOUT,
    ) -> None:
        """`connect` gives gRPC's target and is asked anew for each connection; it may start a server.

        `client` tells people who this is. Without a server for `reconnect_timeout` seconds, or `startup_timeout` at
        the beginning, the session ends and tickets fail with ServerUnreachable.
        """
        self._core = SessionCore(client)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._room_callbacks: deque[Callable[[], object]] = deque()
        #: How many threads wait for `_changed`; the session's thread looks before it takes the lock.
        self._watchers = 0
        self._outage = Outage()
        self._outage.begin()
        self._warned = False
        self._reconnect_timeout = reconnect_timeout
        self._startup_timeout = startup_timeout
        self._desk = CommandDesk(self._answer_command)
        self._stream = Stream()
        self._link = Link("antiphon-session", connect, self)
        forking.track(self)
        self._link.start()

    # For users

    def submit(self, *bodies: FlowRun | TaskRun | Proposal, urgent: bool = True, blocking: bool = True) -> list[Ticket]:
        """Send frames in this order, in one message where they fit; gives a ticket for each.

        Frames that are not `urgent`, because nobody waits for their answer, may be held back for 2 ms: the next ones
        then share their message, and their transaction.
        A body must not be changed afterwards. Returns without waiting for the network, unless too much is unanswered:
        then it waits until there is room again (but never in the session's thread, in callbacks of tickets that is,
        nor if it is not `blocking`).
        Raises TypeError for anything that is no such message.
        """
        if blocking and not self.has_room and not self._link.is_current_thread:
            self._wait(lambda: self.has_room, None)
        return self._submit(bodies, urgent)

    @property
    def has_room(self) -> bool:
        """Whether `submit` would not wait."""
        core = self._core
        return core.backlog < core.window or core.error is not None

    def call_when_room(self, callback: Callable[[], object]) -> None:
        """Have `callback` called, in any thread, when there may be room again: at once if there is. It must be quick,
        and look for itself."""
        self._room_callbacks.append(callback)
        self._tell_of_room()

    @property
    def session_id(self) -> str:
        """The server's id of the session. Waits for the first connection; raises what the session ended with."""
        core = self._core
        self._wait(lambda: bool(core.session_id) or core.error is not None, None)
        if not core.session_id and core.error is not None:
            raise copy.copy(core.error)
        return core.session_id

    @property
    def resume_token(self) -> str:
        """What says to the server, in unary calls too, that it is this session. Waits and raises as `session_id`."""
        core = self._core
        return core.resume_token or (self.session_id and core.resume_token)

    @property
    def is_open(self) -> bool:
        """Whether `session_id` and `resume_token` are known, and need no waiting for."""
        return bool(self._core.resume_token)

    @property
    def ended(self) -> bool:
        """Whether every ticket from now on fails."""
        return self._core.error is not None

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was submitted before is answered; WAIT is an answer. False if `timeout` s did not do."""
        core = self._core
        with self._lock:
            tickets = core.unanswered() if core.backlog else []
        at = 0

        def all_answered() -> bool:
            nonlocal at
            while at < len(tickets) and (tickets[at].done() or tickets[at].deferred):
                at += 1
            return at == len(tickets)

        return all_answered() or self._wait(all_answered, timeout)

    def close(self, timeout: float = 10.0, reason: str = "") -> bool:
        """Flush for at most `timeout` seconds, say Goodbye, and end; says whether all was answered.

        Runs that the session still holds become CRASHED. Tickets that have no answer fail.
        """
        deadline = time.monotonic() + timeout
        flushed = self.flush(timeout)
        closed = ServerError("The session was closed by this process.", code="CANCELLED", reason="SESSION_CLOSED")
        with self._lock:
            told = self._core.say_goodbye(reason, closed) if self._core.error is None else False
        if told:
            self._stream.bell.ring()
            self._link.join(min(_GOODBYE_PATIENCE, max(deadline - time.monotonic(), 0.1)))
        self._link.stop()
        self._end(SessionState.CLOSED, closed)
        return flushed

    def set_run_handler(self, flow_run_id: str, handler: RunHandler) -> None:
        """Have `handler(command)` called when the server wants something of a run, or takes it away.

        It is called in the session's thread and must be quick. It gives COMMAND_STAGE_APPLIED once user code is told,
        REFUSED or TOO_LATE; what it raises is logged and refuses the command.
        """
        self._desk.set_handler(flow_run_id, handler)

    def remove_run_handler(self, flow_run_id: str) -> None:
        """The run has ended: commands for it are TOO_LATE."""
        self._desk.remove_handler(flow_run_id)

    # For forks

    def abandon(self) -> None:
        """In a forked child: this session is the parent's, whatever is asked of it here fails."""
        error = SessionLost(
            "This session belongs to the process that forked this one. Runs that were begun before the fork go on "
            "there; begin new ones here.",
            code="ABORTED",
            reason="FORKED",
        )
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._watchers = 0
        for ticket in self._core.end(SessionState.LOST, error):
            ticket.abandon(error)

    # For the link

    def parse(self, data: bytes) -> AttachResponse:
        return AttachResponse.FromString(data)

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream. Gives everything that is queued, in as few messages as it takes, and heartbeats between."""
        with self._lock:
            stream.number = self._core.connect()
            self._stream = stream
            hello = self._core.hello()
        return self._requests(stream, hello)

    def _requests(self, stream: Stream, hello: bytes) -> Iterator[bytes]:
        core, bell = self._core, stream.bell
        yield hello
        while True:
            bell.gather(_LINGER)
            with self._lock:
                bell.answer()
                wires, refused = core.frames_to_send(stream.number)
                if not wires:
                    bell.listen()
                patience = core.patience
            self._settle(refused)
            if wires is None:
                return
            if wires:
                if core.sendable:
                    bell.ring()  # more than one message holds: what is left has waited enough
                yield b"".join(wires)
            elif not core.sendable and not bell.wait(patience):
                if not core.beat():
                    logger.warning("The server has said nothing for too long; connecting again")
                    stream.cancel()
                    return
                yield HEARTBEAT

    def received(self, stream: Stream, message: AttachResponse) -> None:
        """Answers and commands."""
        with self._lock:
            received = self._core.receive(stream.number, message.frames)
        if self._outage.lasts and (received.progress or (received.welcome and not self._core.backlog)):
            self._back()
        # First, so that who hears that a run is gone knows why.
        for command in received.commands:
            self._desk.handle(command)
        if received.commands and self._desk.draining:
            stream.leave_soon()
        self._settle(received.answers)
        if received.welcome or self._core.sendable:
            stream.bell.ring()  # also for a Welcome alone: it says how long silence may last
        self._notify()

    def awaits_answer(self) -> bool:
        """Whether a verdict, an Ack, a Welcome or a heartbeat's answer is to come."""
        return self._core.awaits_answer

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """Decide what follows: seconds to wait before the next stream, or None."""
        with self._lock:
            self._core.disconnected(stream.number)
            over = self._core.error
        stream.bell.ring()
        if over is not None:
            self._end(SessionState.CLOSED, over)
            return None
        if end.kind is EndKind.PAUSED:
            return 0.0
        if end.kind is EndKind.LOST:
            self._end(SessionState.LOST, _lost(end.cause))
            return None
        starting = not self._core.session_id
        if end.kind is EndKind.REFUSED or (end.kind is EndKind.NOWHERE and starting):
            self._end(SessionState.LOST, end.cause)
            return None
        limit = self._startup_timeout if starting else self._reconnect_timeout
        draining, self._desk.draining = self._desk.draining, False
        if draining and not end.elsewhere:
            self._outage.begin()
            return 0.0
        delay = self._outage.next_delay(limit, end.retry_after, elsewhere=end.elsewhere)
        if delay is None:
            self._end(SessionState.LOST, _unreachable(self._outage.seconds, end.cause))
        elif not self._warned and not end.elsewhere:
            self._warned = True
            logger.warning("%s. Trying again, for up to %g s", str(end.cause).rstrip("."), limit)
        return delay

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends."""
        if self._core.error is None:
            why = f"by a bug: {type(error).__name__}: {error}" if error is not None else "because it was closed"
            self._end(SessionState.LOST, ServerError(f"The session ended {why}.", code="INTERNAL"))

    # Inside

    def _submit(self, bodies: Iterable[Body], urgent: bool = True) -> list[Ticket]:
        core = self._core
        tickets = core.submit(bodies)
        if core.error is not None:
            self._fail(core.reject(), core.error)
        elif core.sendable:
            self._stream.bell.ring(urgent=urgent)
        return tickets

    def _answer_command(self, result: CommandResult) -> None:
        self._submit((result,))

    @staticmethod
    def _settle(answers: list[Answer]) -> None:
        for ticket, verdict, error in answers:
            ticket.settle(verdict, error)

    @staticmethod
    def _fail(tickets: list[Ticket], error: AntiphonException) -> None:
        for ticket in tickets:
            ticket.settle(None, error)

    def _back(self) -> None:
        if self._warned:
            self._warned = False
            logger.info("Connected to the server again after %.1f s", self._outage.seconds)
        self._outage.end()

    def _end(self, state: SessionState, error: AntiphonException) -> None:
        """Nothing more can come: runs are told first, so that theirs is the word which user code hears."""
        with self._lock:
            first = self._core.state not in (SessionState.CLOSED, SessionState.LOST)
            tickets = self._core.end(state, error)
        self._stream.bell.ring()
        if first and state is SessionState.LOST:
            logger.error("%s", error)
            self._desk.revoke_all(str(error))
        self._fail(tickets, self._core.error or error)
        self._notify()

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait for what the session's thread brings about; False if it takes longer than `timeout` seconds."""
        if self._link.is_current_thread:
            raise RuntimeError("The session's own thread cannot wait for the session; wait in another one.")
        with self._lock:
            self._watchers += 1
            try:
                return self._changed.wait_for(condition, timeout)
            finally:
                self._watchers -= 1

    def _tell_of_room(self) -> None:
        while self._room_callbacks and self.has_room:
            try:
                callback = self._room_callbacks.popleft()
            except IndexError:  # another thread was faster
                return
            callback()

    def _notify(self) -> None:
        self._tell_of_room()
        if self._watchers:
            with self._lock:
                self._changed.notify_all()


def _lost(cause: AntiphonException) -> SessionLost:
    return SessionLost(
        f"The server has given up this process's session: {cause}. Runs that it held are CRASHED there; run their "
        "flows again.",
        code=getattr(cause, "code", ""),
        reason=getattr(cause, "reason", ""),
    )


def _unreachable(seconds: float, cause: AntiphonException) -> ServerUnreachable:
    return ServerUnreachable(
        f"No server for {seconds:.0f} s, so this process has given up. The last attempt failed with: {cause} "
        "(ANTIPHON_CLIENT_RECONNECT_TIMEOUT_SECONDS says how long runs go on without one.)",
        code="UNAVAILABLE",
    )

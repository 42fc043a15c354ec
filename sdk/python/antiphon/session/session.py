"""The one conversation between this process and the server, kept up over cuts and restarts."""

import logging
import os
import platform
import random
import socket
import threading
import time
from collections.abc import Callable

import grpc

from antiphon.exceptions import AntiphonException, ServerError, ServerUnreachable, SessionLost
from antiphon.server_errors import from_rpc_error
from antiphon.session.core import SessionCore, Settled
from antiphon.session.stream import Stream
from antiphon.session.ticket import Body, Ticket
from antiphon.v1 import session_pb2
from antiphon.v1.session_pb2 import Command, CommandResult, CommandStage

logger = logging.getLogger("antiphon.session")

#: Told a command for a run; says how far it has come. Called in the session's thread: it must be quick.
RunHandler = Callable[[Command], CommandStage]

FIRST_DELAY, LONGEST_DELAY = 0.01, 2.0
#: Reasons of the server after which the session cannot go on.
_LOST = frozenset({"SESSION_EXPIRED", "SESSION_SUPERSEDED", "RESUME_TOKEN_INVALID"})


class Session:
    """Safe to use from any thread. `connect` gives the target to dial, each time anew."""

    def __init__(self, connect: Callable[[], str], *, reconnect_timeout: float) -> None:
        self._connect = connect
        self._reconnect_timeout = reconnect_timeout
        self._core = SessionCore(f"python {platform.python_version()} on {socket.gethostname()}, process {os.getpid()}")
        self._condition = threading.Condition()
        self._stream: Stream | None = None
        self._handlers: dict[str, RunHandler] = {}
        self._closing = threading.Event()
        #: Why nothing can be said any more.
        self.failure: ServerError | None = None
        self._thread = threading.Thread(target=self._run, name="antiphon-session", daemon=True)
        self._thread.start()

    # For those who run flows

    def submit(self, *bodies: Body, urgent: bool = True) -> list[Ticket]:
        """Queue frames, in this order and one message where they fit. Gives a ticket for each.

        Blocks only while too many frames are unanswered. Frames that are not `urgent` may wait a moment for others to
        travel with. Raises SessionLost or ServerUnreachable where no answer would ever come.
        """
        with self._condition:
            while self._core.unacked >= self._core.window and self.failure is None and not self._in_thread():
                self._condition.wait()
            if self.failure is not None:
                raise self.failure
            tickets = self._core.submit(bodies)
            if self._stream is not None and self._core.attached:
                self._stream.wake(urgent=urgent)
        return tickets

    def set_run_handler(self, flow_run_id: str, handler: RunHandler) -> None:
        """Have `handler` called with commands for this flow run."""
        self._handlers[flow_run_id] = handler

    def remove_run_handler(self, flow_run_id: str) -> None:
        """Commands for this flow run come too late from now on."""
        self._handlers.pop(flow_run_id, None)

    @property
    def session_id(self) -> str:
        """The server's name for this session; empty before the first Welcome."""
        return self._core.session_id

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was submitted is committed; says whether it is."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._core.unacked or self.failure is not None, timeout)

    def close(self, timeout: float | None = None) -> None:
        """Have everything committed, take leave of the server, and end. Runs that are still held become CRASHED."""
        if self.flush(timeout) and self.failure is None:
            with self._condition:
                self._core.say_goodbye()
                self._closing.set()
                stream = self._stream
            if stream is not None:
                stream.half_close()
                self._thread.join(timeout)
        self._closing.set()
        with self._condition:
            stream = self._stream
        if stream is not None:
            stream.close()

    # The session's thread

    def _in_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        outage = _Outage(self._reconnect_timeout)
        while not self._closing.is_set():
            try:
                self._attach(outage)
            except grpc.RpcError as error:
                problem: ServerError = from_rpc_error(error)
            except ServerError as error:
                problem = error
            except AntiphonException as error:  # a wrong setting: no use in trying again
                self._fail(ServerUnreachable(str(error)))
                return
            else:
                problem = ServerUnreachable("The server ended the stream.", code="UNAVAILABLE")
            with self._condition:
                self._core.disconnected()
            if self._closing.is_set():
                return
            if problem.reason in _LOST:
                self._fail(SessionLost(str(problem), code=problem.code, reason=problem.reason))
                return
            if outage.is_hopeless(problem):
                self._fail(
                    ServerUnreachable(
                        f"No server for {outage.seconds:.0f} s, so this process gives up. The last attempt: {problem}",
                        code=problem.code,
                        reason=problem.reason,
                    )
                )
                return
            self._closing.wait(outage.next_delay(problem))

    def _attach(self, outage: "_Outage") -> None:
        """Holds one stream from its beginning to its end."""
        stream = Stream(self._core, self._condition, self._connect())
        with self._condition:
            self._stream = stream
        try:
            for response in stream.responses():
                with self._condition:
                    was_attached = self._core.attached
                    settled, commands = self._core.receive(response.frames)
                    if not was_attached and self._core.attached:
                        stream.wake(urgent=True)
                    self._condition.notify_all()
                if not was_attached:
                    outage.over()
                _hand_out(settled)
                for command in commands:
                    self._obey(command)
        finally:
            with self._condition:
                self._stream = None
            stream.close()

    def _fail(self, failure: ServerError) -> None:
        """Nothing more can be said: open tickets are told, and so are the runs, which must stop."""
        with self._condition:
            self.failure = failure
            tickets = self._core.abandon()
            handlers = dict(self._handlers)
            self._condition.notify_all()
        for ticket in tickets:
            ticket.settle(None, failure)
        for flow_run_id, handler in handlers.items():
            handler(Command(revoke_run=session_pb2.RevokeRun(flow_run_id=flow_run_id, reason=str(failure))))

    # Commands

    def _obey(self, command: Command) -> None:
        stage = self._core.known_stage(command)
        message = ""
        if stage is None:
            self._answer(command, session_pb2.COMMAND_STAGE_RECEIVED)
            stage, message = self._carry_out(command)
            self._core.note_stage(command, stage)
        self._answer(command, stage, message)

    def _carry_out(self, command: Command) -> tuple[CommandStage, str]:
        kind = command.WhichOneof("body")
        if kind == "drain":
            logger.info("The server is about to stop; this process goes on and attaches to the next one.")
            return session_pb2.COMMAND_STAGE_APPLIED, ""
        if kind is None:
            return session_pb2.COMMAND_STAGE_REFUSED, "this SDK does not know the command; upgrade it"
        run_id = command.cancel_run.flow_run_id if kind == "cancel_run" else command.revoke_run.flow_run_id
        handler = self._handlers.get(run_id)
        if handler is None:
            return session_pb2.COMMAND_STAGE_TOO_LATE, ""
        try:
            return handler(command), ""
        except Exception as error:
            logger.exception("A %s command could not be carried out.", kind)
            return session_pb2.COMMAND_STAGE_REFUSED, repr(error)

    def _answer(self, command: Command, stage: CommandStage, message: str = "") -> None:
        if command.id:
            self.submit(CommandResult(command_id=command.id, stage=stage, message=message[:10_000]))


def _hand_out(settled: list[Settled]) -> None:
    for each in settled:
        each.ticket.settle(each.answer, each.error)


class _Outage:
    """How long there has been no server, and how long to wait before the next attempt."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since: float | None = None
        self._delay = FIRST_DELAY

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since if self._since is not None else 0.0

    def over(self) -> None:
        if self._since is not None and self.seconds > 1:
            logger.info("The server is back after %.1f s.", self.seconds)
        self._since, self._delay = None, FIRST_DELAY

    def is_hopeless(self, problem: ServerError) -> bool:
        if self._since is None:
            self._since = time.monotonic()
            if problem.reason != "SERVER_STOPPING":
                logger.warning("The connection to the server is cut; trying to attach again. %s", problem)
        return self.seconds > self._longest

    def next_delay(self, problem: ServerError) -> float:
        """Seconds, drawn between 0 and a bound that doubles ("full jitter")."""
        bound, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        return bound * random.random()

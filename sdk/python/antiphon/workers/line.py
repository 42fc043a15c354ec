"""A worker's line to the server: opened again whenever it ends, in a thread of its own."""

import logging
import time
from collections.abc import Callable, Iterator

from antiphon.exceptions import AntiphonException
from antiphon.session.patient_line import PatientLine
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Stream
from antiphon.v1 import work_service_pb2 as pb
from antiphon.workers.line_core import Claim, Event, LineCore, LineState

#: Seconds that the server may take to end the stream after Goodbye.
_GOODBYE_PATIENCE = 5.0

logger = logging.getLogger("antiphon.worker")


class WorkLine(PatientLine):
    """Takes runs for a worker and says what became of them. Safe in any thread."""

    method = "/antiphon.v1.WorkService/Work"
    logger = logger
    back_again = "Connected to the server again after %.1f s"
    meanwhile = "runs that are here go on"
    ended_by_bug = "The worker ended by a bug"

    def __init__(
        self,
        connect: Callable[[], str],
        core: LineCore,
        *,
        startup_timeout: float,
        happened: Callable[[list[Event]], object],
        cut: Callable[[], object],
        failed: Callable[[AntiphonException], object],
    ) -> None:
        """`connect` gives gRPC's target. The other functions are called in the line's thread and must be quick:
        `happened` with what the server wants, `cut` when a stream has ended, `failed` at an end that nobody asked for.
        """
        super().__init__("antiphon-work-line", connect, startup_timeout, failed)
        self._core = core
        self._happened, self._cut = happened, cut

    # For the worker

    def started(self, claim: Claim, infrastructure_pid: str) -> None:
        """See LineCore."""
        self._tell(lambda core: core.started(claim, infrastructure_pid))

    def exited(self, claim: Claim, infrastructure_pid: str, exit_code: int, message: str) -> None:
        """See LineCore."""
        self._tell(lambda core: core.exited(claim, infrastructure_pid, exit_code, message))

    def give_back(self, claim: Claim, reason: str) -> None:
        """See LineCore."""
        self._tell(lambda core: core.give_back(claim, reason))

    def take_no_more(self) -> None:
        """See LineCore."""
        self._tell(LineCore.take_no_more)

    @property
    def unsettled(self) -> int:
        """How many claims are acted on, or have ended and the server has not stored it."""
        with self._lock:
            return len(self._core.holds)

    def seconds_to_lapse(self) -> float | None:
        """How long until the lease has run out, as far as can be known here; None before there is one."""
        with self._lock:
            core = self._core
            if core.heard_at is None:
                return None
            return max(core.heard_at + core.lease - time.monotonic(), 0.0)

    def close(self, reason: str) -> None:
        """Say Goodbye and end; waits for a bounded time. Claims that are not RUNNING are given back by the server."""
        with self._lock:
            told = self._core.say_goodbye(reason)
            self._stopped = not told
        self._stream.bell.ring()
        if told:
            self._link.join(_GOODBYE_PATIENCE)
        with self._lock:
            self._stopped = True
        self._link.stop()
        self._link.join(_GOODBYE_PATIENCE)

    # For the link

    def parse(self, data: bytes) -> pb.WorkResponse:
        return pb.WorkResponse.FromString(data)

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream."""
        with self._lock:
            hello = self._core.connect()
            stream.number = self._core.stream
            self._stream = stream
        return self._requests(stream, hello)

    def _requests(self, stream: Stream, hello: pb.WorkRequest) -> Iterator[bytes]:
        core, bell = self._core, stream.bell
        yield hello.SerializeToString()
        while True:
            with self._lock:
                if self._stopped:
                    return
                bell.answer()
                requests = core.to_say(stream.number)
                if not requests:
                    bell.listen()  # what is to be said comes under the same lock
                patience = core.patience
            if requests is None:
                return
            for request in requests:
                yield request.SerializeToString()
            if requests or bell.wait(patience):
                continue
            with self._lock:
                alive = core.beat()
            if not alive:
                logger.warning("The server has said nothing for too long; connecting again")
                stream.cancel()
                return

    def received(self, stream: Stream, message: pb.WorkResponse) -> None:
        """What the server says."""
        with self._lock:
            events = self._core.receive(stream.number, message, time.monotonic())
        self._heard()
        self._known = True
        if events:
            self._happened(events)
        if self._core.draining:
            stream.leave_soon()
        stream.bell.ring()

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """Go on with the next one."""
        with self._lock:
            core = self._core
            closed = core.state is LineState.CLOSED or self._stopped
            draining = core.draining
            core.disconnected(stream.number)
            if end.kind is EndKind.LOST:
                core.expired()
        stream.bell.ring()
        if closed:
            return None
        if end.kind is EndKind.PAUSED:
            return 0.0
        if self._is_fatal(end):
            return None
        self._cut()
        if draining and not end.elsewhere:
            self._outage.begin()
            return 0.0
        return self._delay(end)

    def _tell(self, what: Callable[[LineCore], object]) -> None:
        with self._lock:
            what(self._core)
        self._stream.bell.ring()

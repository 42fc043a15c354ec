"""Word of the ends of task runs that others run: one stream for all that this process waits for, told by the server."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeAlias

from antiphon.exceptions import AntiphonException, ObjectNotFound, ServerUnreachable
from antiphon.session import forking
from antiphon.session.outage import Outage
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Link, OnLink, Stream
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import WatchTaskRunsRequest, WatchTaskRunsResponse

Ending: TypeAlias = "Future[TaskRun]"

#: Of one request; the contract's limit.
MAX_IDS = 1000

logger = logging.getLogger("antiphon.session")


class RunEnds(OnLink):
    """Gives each task run to whoever waits for its end. Safe in any thread; connects at the first use.

    A server that goes away is looked for again for `reconnect_timeout` seconds; then all who wait get
    ServerUnreachable.
    """

    method = "/antiphon.v1.TaskRunService/WatchTaskRuns"

    def __init__(self, connect: Callable[[], str], *, reconnect_timeout: float) -> None:
        """`connect` gives gRPC's target."""
        self._reconnect_timeout = reconnect_timeout
        self._lock = threading.Lock()
        #: Run -> who waits for it.
        self._waiting: dict[str, list[Ending]] = {}
        #: Not named on this stream yet.
        self._unsent: deque[str] = deque()
        self._outage = Outage()
        self._outage.begin()
        self._stream = Stream()
        self._started = False
        #: Nothing can be waited for any more.
        self.ended = False
        self._link = Link("antiphon-run-ends", connect, self)
        forking.track(self)

    def watch(self, task_run_id: str, ending: Ending) -> bool:
        """Have `ending` get the run once that is in a terminal state, or ObjectNotFound where there is no such run.

        False once this object has ended: a new one is needed.
        """
        with self._lock:
            if self.ended:
                return False
            waiting = self._waiting.setdefault(task_run_id, [])
            waiting.append(ending)
            if len(waiting) == 1:
                self._unsent.append(task_run_id)
            if not self._started:
                self._started = True
                self._link.start()
        self._stream.bell.ring()
        return True

    def close(self) -> None:
        """Hang up; who waits goes on waiting for nothing."""
        with self._lock:
            self.ended = True
        self._stream.bell.ring()
        self._link.stop()

    # For forks

    def await_pause(self) -> None:
        """See `forking.Forkable`."""
        if self._started:
            super().await_pause()

    def abandon(self) -> None:
        """In a forked child: futures that are waited for there watch anew."""
        self._lock = threading.Lock()
        self.ended = True

    # For the link

    def parse(self, data: bytes) -> WatchTaskRunsResponse:
        return WatchTaskRunsResponse.FromString(data)

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream: all that is open is named anew."""
        with self._lock:
            stream.number = self._stream.number + 1
            self._stream = stream
            self._unsent = deque(self._waiting)
        return self._requests(stream)

    def _requests(self, stream: Stream) -> Iterator[bytes]:
        while True:
            with self._lock:
                if self._stream is not stream or self.ended:
                    return
                stream.bell.answer()
                ids = [self._unsent.popleft() for _ in range(min(MAX_IDS, len(self._unsent)))]
                if not ids:
                    stream.bell.listen()  # ids are queued under the same lock
            if ids:
                yield WatchTaskRunsRequest(ids=ids).SerializeToString()
            else:
                stream.bell.wait(None)

    def received(self, stream: Stream, message: WatchTaskRunsResponse) -> None:
        """Some have ended."""
        if self._outage.lasts:
            self._outage.end()
        for run in message.task_runs:
            for ending in self._take(run.id):
                ending.set_result(run)
        for run_id in message.unknown_ids:
            error = ObjectNotFound(
                f"There is no task run {run_id}: it was never created on this server, or it was deleted.",
                code="NOT_FOUND",
                reason="TASK_RUN_NOT_FOUND",
            )
            for ending in self._take(run_id):
                ending.set_exception(error)

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """Watch again on the next one."""
        with self._lock:
            over = self.ended
            if self._stream is stream:
                self._stream = Stream()  # The requests of this one end.
                self._stream.number = stream.number
        stream.bell.ring()
        if over:
            return None
        if end.kind is EndKind.PAUSED:
            return 0.0
        if end.kind is EndKind.REFUSED:
            self._fail(end.cause)
            return None
        delay = self._outage.next_delay(self._reconnect_timeout, end.retry_after, elsewhere=end.elsewhere)
        if delay is None:
            self._fail(
                ServerUnreachable(
                    f"No server for {self._outage.seconds:.0f} s, so what became of the run is not known here. The "
                    f"last attempt failed with: {end.cause}",
                    code="UNAVAILABLE",
                )
            )
        return delay

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends."""
        why = f"by a bug: {type(error).__name__}: {error}" if error is not None else "because it was closed"
        self._fail(ServerUnreachable(f"The watch for the ends of runs has ended {why}.", code="CANCELLED"))

    # Inside

    def _take(self, run_id: str) -> list[Ending]:
        with self._lock:
            return self._waiting.pop(run_id, [])

    def _fail(self, error: AntiphonException) -> None:
        with self._lock:
            self.ended = True
            endings = [each for waiting in self._waiting.values() for each in waiting]
            self._waiting.clear()
        for ending in endings:
            ending.set_exception(error)

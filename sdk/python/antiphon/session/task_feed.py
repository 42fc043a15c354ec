"""A task worker's subscription: the server hands it the runs that are due, as many as it has room for."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator

from antiphon.exceptions import AntiphonException
from antiphon.session import forking
from antiphon.session.outage import Outage
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Link, Stream
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import TakeTaskRunsRequest, TakeTaskRunsResponse

#: The contract's limit.
MOST_CREDIT = 10_000
#: Seconds of an outage before it is worth a word.
_WORTH_A_WORD = 1.0

logger = logging.getLogger("antiphon.task_worker")


class TaskFeed:
    """Takes runs of some tasks, `limit` at a time. Safe in any thread.

    A server that goes away is looked for again for as long as the worker lives; only where none is found at the
    beginning, within `startup_timeout` seconds, or where it refuses, does the feed end.
    """

    method = "/antiphon.v1.TaskRunService/TakeTaskRuns"

    def __init__(
        self,
        connect: Callable[[], str],
        task_keys: Iterable[str],
        limit: int | None,
        *,
        startup_timeout: float,
        offered: Callable[[TaskRun], object],
        ready: Callable[[], object],
        failed: Callable[[AntiphonException], object],
    ) -> None:
        """`connect` gives gRPC's target. The other functions are called in the feed's thread and must be quick:
        `offered` with each run, `ready` when the server knows the worker for the first time, `failed` at an end that
        nobody asked for."""
        self._task_keys = sorted(task_keys)
        self._limit = MOST_CREDIT if limit is None else min(limit, MOST_CREDIT)
        self._startup_timeout = startup_timeout
        self._offered, self._ready, self._failed = offered, ready, failed
        self._lock = threading.Lock()
        #: Runs that were offered and are not given back.
        self._held = 0
        #: How many more were asked for on this stream and have not come.
        self._asked = 0
        self._stopped = False
        self._known = False
        self._warned = False
        self._outage = Outage()
        self._outage.begin()
        self._stream = Stream()
        self._link = Link("antiphon-task-feed", connect, self)
        forking.track(self)

    def start(self) -> None:
        """Begin."""
        self._link.start()

    def give_back(self) -> None:
        """There is room for one more in place of one that was offered."""
        with self._lock:
            self._held -= 1
        self._stream.bell.ring()

    def stop(self) -> None:
        """Take no more."""
        with self._lock:
            self._stopped = True
        self._stream.bell.ring()
        self._link.stop()

    # For forks

    def request_pause(self) -> None:
        """See `forking.Forkable`."""
        self._link.request_pause()

    def await_pause(self) -> None:
        """See `forking.Forkable`."""
        self._link.await_pause()

    def resume(self) -> None:
        """See `forking.Forkable`."""
        self._link.resume()

    def abandon(self) -> None:
        """In a forked child: the runs are the parent's."""
        self._lock = threading.Lock()
        self._stopped = True

    # For the link

    def parse(self, data: bytes) -> TakeTaskRunsResponse:
        return TakeTaskRunsResponse.FromString(data)

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream."""
        with self._lock:
            stream.number = self._stream.number + 1
            self._stream = stream
            self._asked = 0
        return self._requests(stream)

    def _requests(self, stream: Stream) -> Iterator[bytes]:
        task_keys = self._task_keys
        while True:
            with self._lock:
                if self._stream is not stream or self._stopped:
                    return
                stream.bell.answer()
                credit = max(self._limit - self._held - self._asked, 0)
                self._asked += credit
                if not credit and not task_keys:
                    stream.bell.listen()  # room comes under the same lock
            if credit or task_keys:
                yield TakeTaskRunsRequest(task_keys=task_keys, credit=credit).SerializeToString()
                task_keys = []
            else:
                stream.bell.wait(None)

    def received(self, stream: Stream, message: TakeTaskRunsResponse) -> None:
        """Runs, or the word that the worker is known."""
        if self._outage.lasts:
            if self._warned:
                logger.info("The server hands out task runs again after %.1f s", self._outage.seconds)
            self._warned = False
            self._outage.end()
        if not self._known:
            self._known = True
            self._ready()
        with self._lock:
            if self._stopped or self._stream is not stream:
                return  # They are not claimed, so others get them.
            self._held += len(message.task_runs)
            self._asked = max(self._asked - len(message.task_runs), 0)
        for run in message.task_runs:
            self._offered(run)

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """Take from the next one."""
        with self._lock:
            stopped = self._stopped
            if self._stream is stream:
                self._stream = Stream()  # What comes late of this one is void, and its requests end.
                self._stream.number = stream.number
        stream.bell.ring()
        if stopped:
            return None
        if end.kind is EndKind.PAUSED:
            return 0.0
        if end.kind is EndKind.REFUSED or (end.kind is EndKind.NOWHERE and not self._known):
            self._failed(end.cause)
            return None
        delay = self._outage.next_delay(None if self._known else self._startup_timeout, end.retry_after)
        if delay is None:
            self._failed(end.cause)
        elif not self._warned and self._outage.seconds > _WORTH_A_WORD:
            self._warned = True
            logger.warning("%s. Trying again; runs that were taken go on", str(end.cause).rstrip("."))
        return delay

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends."""
        if error is not None:
            self._failed(AntiphonException(f"The task worker ended by a bug: {type(error).__name__}: {error}"))

"""A task worker's subscription: the server hands it the runs that are due, as many as it has room for."""

import logging
from collections.abc import Callable, Iterable, Iterator

from antiphon.exceptions import AntiphonException
from antiphon.session.patient_line import PatientLine
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Stream
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import TakeTaskRunsRequest, TakeTaskRunsResponse

#: The contract's limit.
MOST_CREDIT = 10_000

logger = logging.getLogger("antiphon.task_worker")


class TaskFeed(PatientLine):
    """Takes runs of some tasks, `limit` at a time. Safe in any thread."""

    method = "/antiphon.v1.TaskRunService/TakeTaskRuns"
    logger = logger
    back_again = "The server hands out task runs again after %.1f s"
    meanwhile = "runs that were taken go on"
    ended_by_bug = "The task worker ended by a bug"

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
        super().__init__("antiphon-task-feed", connect, startup_timeout, failed)
        self._task_keys = sorted(task_keys)
        self._limit = MOST_CREDIT if limit is None else min(limit, MOST_CREDIT)
        self._offered, self._ready = offered, ready
        #: Runs that were offered and are not given back.
        self._held = 0
        #: How many more were asked for on this stream and have not come.
        self._asked = 0

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
        self._heard()
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
        return None if self._is_fatal(end) else self._delay(end)

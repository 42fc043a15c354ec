"""The bulk lane: log lines on a stream of their own, so that a flood of them cannot delay a verdict."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from antiphon.session import forking
from antiphon.session.log_journal import MAX_BATCH_BYTES, LogJournal
from antiphon.session.outage import Outage
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Link, OnLink, Stream
from antiphon.v1.log_pb2 import Log
from antiphon.v1.session_service_pb2 import UploadResponse

MAX_LINES = 20_000
MAX_BYTES = 32 * 1024 * 1024
#: Seconds that a line may wait for others to go with.
LINGER = 0.1
_GOODBYE_PATIENCE = 0.5

logger = logging.getLogger("antiphon.session")


class LogUploader(OnLink):
    """Sends log lines in batches until the server has stored them. Safe in any thread; connects with the first line."""

    method = "/antiphon.v1.SessionService/Upload"

    def __init__(
        self,
        connect: Callable[[], str],
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_BYTES,
        max_batch_bytes: int = MAX_BATCH_BYTES,
        linger: float = LINGER,
    ) -> None:
        """`connect` gives gRPC's target. At most `max_lines` and `max_bytes` wait to be sent, each for `linger` s, in
        batches of `max_batch_bytes`; a line that has more goes alone."""
        self._journal = LogJournal(max_lines, max_bytes, linger, max_batch_bytes)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._outage = Outage()
        self._warned = False
        self._stream = Stream()
        self._live_stream = 0
        self._started = False
        self._closed = False
        self._link = Link("antiphon-logs", connect, self)
        forking.track(self)

    def put(self, log: Log) -> None:
        """Queue a line, which must not be changed afterwards. Never blocks: when too many wait, the oldest of the
        lowest level are dropped, and a WARNING line says so later. A closed uploader drops all."""
        with self._lock:
            if self._closed:
                return
            wake = self._journal.put(log, time.monotonic())
            if not self._started:
                self._started = True
                self._link.start()
        if wake:
            self._stream.bell.ring()

    def hurry(self) -> int:
        """Have what is queued sent without delay; does not wait for it."""
        with self._lock:
            order = self._journal.hurry()
        self._stream.bell.ring()
        return order

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every line put before is stored (or dropped). False if that takes longer than `timeout` s."""
        order = self.hurry()
        with self._lock:
            return self._changed.wait_for(lambda: self._closed or self._journal.stored_up_to(order), timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Flush for at most `timeout` seconds and end; says whether all lines are stored."""
        flushed = self.flush(timeout)
        with self._lock:
            self._closed = True
            left = self._journal.lines
            self._changed.notify_all()
        if left:
            logger.warning("%d log lines could not be sent to the server", left)
        self._stream.bell.ring()
        if self._started:
            self._link.join(_GOODBYE_PATIENCE if flushed else 0.0)
        self._link.stop()
        return flushed

    # For forks

    def await_pause(self) -> None:
        """See `forking.Forkable`."""
        if self._started:
            super().await_pause()

    def abandon(self) -> None:
        """In a forked child: the lines are the parent's to send."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closed = True

    # For the link

    def parse(self, data: bytes) -> UploadResponse:
        return UploadResponse.FromString(data)

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream; gives batches."""
        with self._lock:
            stream.number = self._stream.number + 1
            self._stream = stream
            self._live_stream = stream.number
        return self._requests(stream)

    def _requests(self, stream: Stream) -> Iterator[bytes]:
        while True:
            with self._lock:
                if self._live_stream != stream.number:
                    return
                stream.bell.answer()
                now = time.monotonic()
                request = self._journal.next_request(now, time.time_ns())
                if request is None and self._closed:
                    return
                wait = self._journal.wait(now)
                if request is None:
                    stream.bell.listen()  # lines are queued under the same lock
            if request is not None:
                yield request
            else:
                stream.bell.wait(wait)

    def received(self, stream: Stream, message: UploadResponse) -> None:
        """A batch is stored, but for lines that the server refuses."""
        for line in message.refused:
            logger.warning("The server refuses a log line, which is dropped: %s", line.status.message)
        with self._lock:
            if self._live_stream == stream.number:
                self._journal.stored(message.sequence, [line.index for line in message.refused])
            self._changed.notify_all()
        if self._outage.lasts:
            if self._warned:
                logger.info("The server takes logs again after %.1f s", self._outage.seconds)
            self._warned = False
            self._outage.end()
        stream.bell.ring()

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """Try again for as long as the process lives: the queue is bounded."""
        with self._lock:
            self._live_stream = 0
            self._journal.disconnected()
            self._changed.notify_all()
            closed = self._closed
        stream.bell.ring()
        if closed:
            return None
        if end.kind is EndKind.PAUSED:
            return 0.0
        delay = self._outage.next_delay(None, end.retry_after, elsewhere=end.elsewhere)
        if not self._warned and not end.elsewhere:
            self._warned = True
            logger.warning("Logs cannot be sent for now and are kept: %s", end.cause)
        return delay

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()

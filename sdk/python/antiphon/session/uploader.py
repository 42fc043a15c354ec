"""The bulk lane: log lines go up on a stream of their own, so that a flood of them cannot delay a verdict."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from antiphon.client import CHANNEL_OPTIONS
from antiphon.exceptions import AntiphonException
from antiphon.ids import new_id
from antiphon.v1.log_pb2 import Log
from antiphon.v1.session_service_pb2 import UploadRequest
from antiphon.v1.session_service_pb2_grpc import SessionServiceStub

logger = logging.getLogger("antiphon.session")

MAX_LINES, MAX_BYTES = 1000, 1024 * 1024
#: What may wait here. Beyond it the least important lines go, counted.
MAX_QUEUED_LINES, MAX_QUEUED_BYTES = 100_000, 64 * 1024 * 1024
#: Seconds that a first line waits for others.
GATHER = 0.1
RETRY_AFTER = 1.0
MAX_UNACKED_BATCHES = 4


class Uploader:
    """`put` never blocks. Lines wait here until the server has them; a batch that was cut off is sent again."""

    def __init__(self, connect: Callable[[], str]) -> None:
        self._connect = connect
        self._condition = threading.Condition()
        self._queue: deque[Log] = deque()
        self._bytes = 0
        self._dropped: dict[int, int] = {}
        self._unacked: deque[UploadRequest] = deque()
        self._sequence = 0
        self._flushing = False
        self._closed = False
        self._call: Any = None
        self._thread: threading.Thread | None = None

    def put(self, log: Log) -> None:
        """Queue a line; when there are too many, the least important ones are dropped."""
        with self._condition:
            if self._closed:
                return
            self._queue.append(log)
            self._bytes += log.ByteSize()
            if len(self._queue) > MAX_QUEUED_LINES or self._bytes > MAX_QUEUED_BYTES:
                self._make_room()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="antiphon-logs", daemon=True)
                self._thread.start()
            if len(self._queue) == 1 or len(self._queue) >= MAX_LINES:
                self._condition.notify_all()

    def flush(self, timeout: float | None) -> bool:
        """Wait until the server has all lines; says whether it has."""
        with self._condition:
            self._flushing = True
            self._condition.notify_all()
            try:
                return self._condition.wait_for(lambda: not self._queue and not self._unacked, timeout)
            finally:
                self._flushing = False

    def close(self, timeout: float) -> None:
        """Flush, then end."""
        if self._thread is not None and not self.flush(timeout):
            logger.warning("%d log lines could not be sent before the process ended.", len(self._queue))
        with self._condition:
            self._closed = True
            call = self._call
            self._condition.notify_all()
        if call is not None:
            call.cancel()

    def _make_room(self) -> None:
        """Drops a tenth of the lines, those of the lowest levels first and among them the oldest."""
        count = max(len(self._queue) // 10, 1)
        least = sorted(range(len(self._queue)), key=lambda place: (self._queue[place].level, place))[:count]
        gone = set(least)
        kept: deque[Log] = deque()
        for place, log in enumerate(self._queue):
            if place in gone:
                self._dropped[log.level] = self._dropped.get(log.level, 0) + 1
            else:
                kept.append(log)
        self._queue = kept
        self._bytes = sum(log.ByteSize() for log in kept)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._stream()
            except grpc.RpcError as error:
                logger.debug("The log stream was cut: %s", error)
            except AntiphonException as error:
                logger.debug("There is no server for log lines: %s", error)
            with self._condition:
                self._condition.wait_for(lambda: self._closed, RETRY_AFTER)

    def _stream(self) -> None:
        with grpc.insecure_channel(self._connect(), options=CHANNEL_OPTIONS) as channel:
            self._call = SessionServiceStub(channel).Upload(self._requests())
            for response in self._call:
                with self._condition:
                    while self._unacked and self._unacked[0].sequence <= response.sequence:
                        self._unacked.popleft()
                    self._condition.notify_all()

    def _requests(self) -> Iterator[UploadRequest]:
        with self._condition:
            again = list(self._unacked)
        yield from again
        while not self._closed:
            with self._condition:
                self._condition.wait_for(self._may_send)
                if self._closed:
                    return
                if not self._flushing and len(self._queue) < MAX_LINES:
                    self._condition.wait_for(
                        lambda: self._closed or self._flushing or len(self._queue) >= MAX_LINES, GATHER
                    )
                request = self._next_batch()
            yield request

    def _may_send(self) -> bool:
        return self._closed or (bool(self._queue) and len(self._unacked) < MAX_UNACKED_BATCHES)

    def _next_batch(self) -> UploadRequest:
        self._sequence += 1
        batch = UploadRequest(sequence=self._sequence)
        if self._dropped:
            batch.logs.append(self._told_dropped())
        size = 0
        while self._queue and len(batch.logs) < MAX_LINES and size < MAX_BYTES:
            log = self._queue.popleft()
            length = log.ByteSize()
            size += length
            self._bytes -= length
            batch.logs.append(log)
        self._unacked.append(batch)
        return batch

    def _told_dropped(self) -> Log:
        """A line that says what is missing, in place of the lines that are."""
        counts = ", ".join(f"{count} at level {logging.getLevelName(level)}" for level, count in self._dropped.items())
        self._dropped = {}
        line = Log(id=new_id(), logger="antiphon.session", level=logging.WARNING)
        line.message = f"Log lines were dropped because they came faster than the server takes them: {counts}."
        line.create_time.FromNanoseconds(time.time_ns())
        return line

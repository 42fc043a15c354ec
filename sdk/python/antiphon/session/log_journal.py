"""The bulk lane's side of the protocol without input or output: batches, and what became of them."""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.ids import new_id
from antiphon.session.log_queue import Line, LogQueue
from antiphon.v1.log_pb2 import Log
from antiphon.v1.session_service_pb2 import UploadRequest

#: Of one batch; the first is the contract's.
MAX_BATCH_LINES = 1000
MAX_BATCH_BYTES = 1024 * 1024
#: Batches on their way at a time.
MAX_ON_THE_WAY = 4


@dataclass(slots=True)
class _Batch:
    """Lines that go together, and the number that they went under last."""

    lines: list[Line]
    sequence: int = 0


class LogJournal:
    """Lines from `put` to the server's word that they are stored. Not safe for several threads. Times are seconds."""

    def __init__(self, max_lines: int, max_bytes: int, linger: float, max_batch_bytes: int = MAX_BATCH_BYTES) -> None:
        self._queue = LogQueue(max_lines, max_bytes)
        self._linger = linger
        self._max_batch_bytes = max_batch_bytes
        #: When the oldest queued line is to go at the latest.
        self._due = 0.0
        #: Lines up to this order go without delay.
        self._hurry = 0
        self._last_order = 0
        self._last_sequence = 0
        self._again: deque[_Batch] = deque()
        self._on_the_way: deque[_Batch] = deque()

    def put(self, log: Log, now: float) -> bool:
        """Queue a line; says whether the sender should be woken."""
        if not log.id:
            log.id = new_id()
        before = self._queue.lines
        self._last_order += 1
        self._queue.put(Line(self._last_order, log))
        if not before:
            self._due = now + self._linger
        return not before or self._is_full()

    def hurry(self) -> int:
        """Have all lines so far sent without delay; gives what to ask `stored_up_to` for."""
        self._hurry = self._last_order
        return self._hurry

    def stored_up_to(self, order: int) -> bool:
        """Whether every line up to `order` is stored, or given up."""
        oldest = [batch.lines[0].order for batch in (*self._on_the_way, *self._again)]
        if self._queue.oldest is not None:
            oldest.append(self._queue.oldest)
        return not oldest or min(oldest) > order

    @property
    def lines(self) -> int:
        """How many lines are not known to be stored."""
        return self._queue.lines + sum(len(batch.lines) for batch in (*self._on_the_way, *self._again))

    def next_request(self, now: float, now_nanoseconds: int) -> bytes | None:
        """The next UploadRequest, encoded; None if nothing is to be sent yet. `now_nanoseconds` is the wall clock's."""
        if len(self._on_the_way) >= MAX_ON_THE_WAY:
            return None
        batch = self._again.popleft() if self._again else self._batch(now, now_nanoseconds)
        if batch is None:
            return None
        self._last_sequence += 1
        batch.sequence = self._last_sequence
        self._on_the_way.append(batch)
        request = UploadRequest(sequence=batch.sequence).SerializeToString()
        return request + b"".join(line.wire for line in batch.lines)

    def wait(self, now: float) -> float | None:
        """How long until `next_request` may give something, if nothing else happens; None for ever."""
        if self._queue.oldest is None or len(self._on_the_way) >= MAX_ON_THE_WAY:
            return None
        return max(0.0, self._due - now)

    def stored(self, sequence: int, refused: Iterable[int] = ()) -> None:
        """Every batch up to `sequence` is stored, but for the lines of this one that are `refused`, by their index."""
        while self._on_the_way and self._on_the_way[0].sequence <= sequence:
            batch = self._on_the_way.popleft()
            if batch.sequence == sequence:
                self._queue.drop(batch.lines[index] for index in refused if index < len(batch.lines))

    def disconnected(self) -> None:
        """What was on its way is sent again; lines that the server has are skipped there by their id."""
        self._again.extendleft(reversed(self._on_the_way))
        self._on_the_way.clear()

    def _is_full(self) -> bool:
        return self._queue.lines >= MAX_BATCH_LINES or self._queue.bytes >= self._max_batch_bytes

    def _batch(self, now: float, now_nanoseconds: int) -> _Batch | None:
        oldest = self._queue.oldest
        if oldest is None or not (self._is_full() or now >= self._due or oldest <= self._hurry):
            return None
        report = self._report(oldest, now_nanoseconds)
        room = MAX_BATCH_LINES - len(report)
        batch = _Batch([*report, *self._queue.take(room, self._max_batch_bytes)])
        self._due = now + self._linger
        return batch

    def _report(self, order: int, now_nanoseconds: int) -> list[Line]:
        """A line that says what was dropped, if anything."""
        dropped, flow_run_id = self._queue.take_dropped()
        if not dropped:
            return []
        counts = ", ".join(f"{logging.getLevelName(level)} {count}" for level, count in dropped.items())
        total = sum(dropped.values())
        log = Log(
            id=new_id(),
            logger="antiphon.session",
            level=logging.WARNING,
            message=f"{total} log lines before this one were dropped ({counts}): the server did not take them in time, "
            "or refused them. Log less, or at a higher level.",
            flow_run_id=flow_run_id,
        )
        log.create_time.FromNanoseconds(now_nanoseconds)
        return [Line(order, log)]

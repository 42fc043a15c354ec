"""Log lines that wait to be sent: bounded, and when full the least important go first."""

from collections import Counter, deque
from collections.abc import Iterable

from antiphon.v1.log_pb2 import Log
from antiphon.v1.session_service_pb2 import UploadRequest


class Line:
    """One log line, encoded as an UploadRequest of its own: set end to end they are one request with all lines."""

    __slots__ = ("flow_run_id", "level", "order", "wire")

    def __init__(self, order: int, log: Log) -> None:
        #: Rises with each line.
        self.order = order
        self.level = log.level
        self.flow_run_id = log.flow_run_id
        self.wire = UploadRequest(logs=[log]).SerializeToString()


class LogQueue:
    """First in, first out over all levels. Not safe for several threads."""

    def __init__(self, max_lines: int, max_bytes: int) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._by_level: dict[int, deque[Line]] = {}
        self.lines = 0
        self.bytes = 0
        #: Level -> lines that were dropped since `take_dropped`.
        self._dropped: Counter[int] = Counter()
        self._dropped_runs: set[str] = set()

    def put(self, line: Line) -> None:
        """Add a line. Where there are too many, the oldest one of the lowest level is dropped, maybe this one."""
        self._by_level.setdefault(line.level, deque()).append(line)
        self.lines += 1
        self.bytes += len(line.wire)
        while self.lines > self._max_lines or self.bytes > self._max_bytes:
            self.drop([self._pop(min(self._by_level))])

    def take(self, max_lines: int, max_bytes: int) -> list[Line]:
        """The oldest lines, at least one if there is any."""
        taken: list[Line] = []
        size = 0
        while self._by_level and len(taken) < max_lines:
            level = self._oldest_level()
            size += len(self._by_level[level][0].wire)
            if taken and size > max_bytes:
                break
            taken.append(self._pop(level))
        return taken

    @property
    def oldest(self) -> int | None:
        """The order of the oldest line."""
        return self._by_level[self._oldest_level()][0].order if self._by_level else None

    def drop(self, lines: Iterable[Line]) -> None:
        """Count lines that will never be sent."""
        for line in lines:
            self._dropped[line.level] += 1
            self._dropped_runs.add(line.flow_run_id)

    def take_dropped(self) -> tuple[dict[int, int], str]:
        """How many lines of each level were dropped since the last call, and the flow run if all were of one."""
        dropped = dict(sorted(self._dropped.items()))
        run = next(iter(self._dropped_runs)) if len(self._dropped_runs) == 1 else ""
        self._dropped.clear()
        self._dropped_runs.clear()
        return dropped, run

    def _oldest_level(self) -> int:
        return min(self._by_level, key=lambda level: self._by_level[level][0].order)

    def _pop(self, level: int) -> Line:
        lines = self._by_level[level]
        line = lines.popleft()
        if not lines:
            del self._by_level[level]
        self.lines -= 1
        self.bytes -= len(line.wire)
        return line

"""How the writer's transactions went lately, for who looks after a server."""

import time
from collections import deque

#: What is remembered: commits, and faults.
COMMITS, FAULTS = 256, 64


class Pulse:
    """Written by the writer's thread and read by any. Times are those of `time.monotonic`, in seconds."""

    def __init__(self) -> None:
        self._began: float | None = None
        #: When each of the last commits was over, and how long it took.
        self.commits: deque[tuple[float, float]] = deque(maxlen=COMMITS)
        #: When each of the last transactions failed that the database did not take, and why.
        self.faults: deque[tuple[float, str]] = deque(maxlen=FAULTS)

    def begin(self) -> None:
        """A transaction is under way from now on."""
        self._began = time.monotonic()

    def end(self) -> None:
        """It is over, however it ended."""
        self._began = None

    def committed(self, seconds: float) -> None:
        """One came through."""
        self.commits.append((time.monotonic(), seconds))

    def failed(self, why: str) -> None:
        """One did not."""
        self.faults.append((time.monotonic(), why))

    @property
    def under_way(self) -> float:
        """For how many seconds the transaction of now is under way; 0 where there is none."""
        began = self._began
        return time.monotonic() - began if began is not None else 0.0

"""When to look whether the server of a stream is still there, and when to leave it for another one. No input or output.

Only for those who have another server to go to. A heartbeat every 10 s (a third of the session's TTL) would notice a
server that hangs only after a whole TTL, and more heartbeats would cost every idle session. So nothing more is said on
the stream; but who has said something and hears no word within `LOOK_AFTER` asks the server's gRPC part, beside the
stream, whether it is there. That is answered without the database: a server whose database is slow is not left.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum, auto

#: Seconds without a word after something was said, before the server is asked; and for its answer. Both together leave
#: half a second of two for the way to another server.
LOOK_AFTER = 0.75
LOOK_PATIENCE = 0.75
#: Both double with each round of all servers in which none has answered, up to this: what is slow must not be left for
#: ever.
LONGEST_PATIENCE = 10.0
#: Seconds over which those spread who leave a server that will stop.
DRAIN_SPREAD = 1.0
#: Seconds more that who leaves waits for answers. What is not answered then is asked again elsewhere.
LEAVING_PATIENCE = 1.0


class Due(Enum):
    """What is to be done now."""

    NOTHING = auto()
    LOOK = auto()
    LEAVE = auto()


class Vigil:
    """Over one stream. Safe in any thread. Times are seconds."""

    def __init__(self, rounds: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """`rounds` are those in which no server has answered."""
        factor = 2 ** min(rounds, 10)
        self._first_look_after = self._look_after = min(LOOK_AFTER * factor, LONGEST_PATIENCE)
        #: Seconds for the answer to a look.
        self.look_patience = min(LOOK_PATIENCE * factor, LONGEST_PATIENCE)
        self._clock = clock
        self._lock = threading.Lock()
        #: Since when an answer is awaited; None while none is.
        self._since: float | None = None
        self._leave_at: float | None = None
        #: Something was said since `wait` was asked last.
        self._busy = False
        #: `wait` has said for ever.
        self._asleep = False

    def said(self) -> bool:
        """Something goes out. Whether that must wake who waits: once, and not for each word of a busy stream."""
        with self._lock:
            if self._since is None:
                self._since = self._clock()
            self._busy = True
            asleep, self._asleep = self._asleep, False
        return asleep

    def heard(self, awaits: Callable[[], bool]) -> bool:
        """Something came in; `awaits` says whether more is to come. Whether to leave now."""
        with self._lock:
            self._look_after = self._first_look_after
            more = awaits()
            self._since = self._clock() if more else None
            return self._leave_at is not None and not more and self._clock() >= self._leave_at

    def found_there(self, awaits: Callable[[], bool]) -> None:
        """A look was answered: the server is there and slow. The next look is later, up to a bound, lest all who wait
        for a slow database ask on and on."""
        with self._lock:
            self._look_after = min(self._look_after * 2, LONGEST_PATIENCE)
            self._since = self._clock() if awaits() else None

    def leave_in(self, seconds: float) -> None:
        """Leave as soon as that is over and no answer is awaited."""
        with self._lock:
            if self._leave_at is None:
                self._leave_at = self._clock() + seconds

    def wait(self) -> float | None:
        """Seconds until `due` may have something; None for ever."""
        with self._lock:
            ends = [end for end in (self._look_at(), self._latest()) if end is not None]
            if ends:
                return max(min(ends) - self._clock(), 0.0)
            # What is said from now on is not due before this is over.
            wait = self._look_after if self._busy else None
            self._busy, self._asleep = False, wait is None
            return wait

    def due(self) -> Due:
        """What is due."""
        with self._lock:
            now, latest, look_at = self._clock(), self._latest(), self._look_at()
        if latest is not None and now >= latest:
            return Due.LEAVE
        return Due.LOOK if look_at is not None and now >= look_at else Due.NOTHING

    def _look_at(self) -> float | None:
        return None if self._since is None else self._since + self._look_after

    def _latest(self) -> float | None:
        if self._leave_at is None:
            return None
        return self._leave_at + (LEAVING_PATIENCE if self._since is not None else 0.0)

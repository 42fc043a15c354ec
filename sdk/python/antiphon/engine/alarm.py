"""SIGALRM and its timer, shared with whoever used them before: a program's own alarms, or a test runner's time limit.

While it is installed, alarms that are not ours go to the handler that was there; a timer that was running goes on.
"""

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

#: Seconds between rings until the handler has run: a signal that comes just before a system call does not end that.
RING_INTERVAL = 0.01
#: Seconds for which a signal of ours may be under way. Signals are counted by nobody: two that come together are one.
LATEST_ECHO = 1.0
#: An interval timer of 0 seconds would be off.
SHORTEST = 1e-6


class Alarm:
    """The main thread's. `rings` is called there between two steps of whatever it does; it gives what to raise, and at
    which times (of time.monotonic) to ring again."""

    def __init__(self, rings: Callable[[], tuple[type[BaseException] | None, list[float]]]) -> None:
        self._rings = rings
        self._previous: Any = None
        #: When our timer ends; None while it is not set.
        self._armed: float | None = None
        #: When the timer ends that was running as we set ours, and the seconds at which it repeats.
        self._foreign: tuple[float, float] | None = None
        #: Until then (of time.monotonic) a signal that nobody else is known to send is taken for ours.
        self._ours_until = -math.inf

    def install(self) -> None:
        self._previous = signal.signal(signal.SIGALRM, self._handle)

    def restore(self) -> None:
        # Code that put a handler of its own in place meanwhile keeps it.
        if signal.getsignal(signal.SIGALRM) != self._handle:
            return
        previous = self._previous if self._previous is not None else signal.SIG_DFL
        if time.monotonic() >= self._ours_until:
            signal.signal(signal.SIGALRM, previous)
            return
        # One of ours may be under way still, and without a handler it would end the process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        try:
            while signal.SIGALRM in signal.sigpending():
                signal.sigwait({signal.SIGALRM})
            signal.signal(signal.SIGALRM, previous)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def ring(self) -> None:
        """Rings now; from any thread."""
        self._ours_until = time.monotonic() + LATEST_ECHO
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGALRM)

    def set_timer(self, deadlines: list[float]) -> None:
        """Rings at the first of these times, and no more where there are none."""
        now = time.monotonic()
        if self._armed is None:
            if not deadlines:
                return
            left, interval = signal.getitimer(signal.ITIMER_REAL)
            self._foreign = (now + left, interval) if left else None
        elif self._armed <= now:
            # The signal may have come, and the handler has not run yet.
            self._ours_until = now + LATEST_ECHO
        self._arm(deadlines, now)

    def _arm(self, deadlines: list[float], now: float) -> None:
        self._armed = min(deadlines, default=None)
        ends = [end for end in (self._armed, self._foreign[0] if self._foreign else None) if end is not None]
        left = max(min(ends) - now, SHORTEST) if ends else 0.0
        if self._armed is not None:
            signal.setitimer(signal.ITIMER_REAL, left, RING_INTERVAL)
            return
        signal.setitimer(signal.ITIMER_REAL, left, self._foreign[1] if self._foreign else 0.0)
        self._foreign = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        timed = self._armed is not None
        if self._armed is not None and self._armed <= now:
            self._ours_until = now + LATEST_ECHO
        kind, deadlines = self._rings()
        # Where something of ours is raised, the timer rings once more for the others.
        foreign = kind is None and self._foreign_is_due(now)
        if timed:
            self._arm(deadlines, now)
        if kind is not None:
            raise kind
        if (foreign or now >= self._ours_until) and callable(self._previous):
            self._previous(number, frame)

    def _foreign_is_due(self, now: float) -> bool:
        """Whether the timer that was running before would have ended by now; winds it up again where it repeats."""
        if self._foreign is None or self._foreign[0] > now:
            return False
        end, interval = self._foreign
        self._foreign = (max(end + interval, now + SHORTEST), interval) if interval else None
        return True

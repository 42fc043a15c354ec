"""How many calls may be under way, and when those that find no room may come again.

A call that is taken in is answered soon, and one that would wait is told so at once, before it costs more than that:
the alternative is a queue in which all wait until their callers have given up, and then the work of a server at its
limit is for nobody.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from antiphon_server.domain.errors import Unavailable

#: Seconds that a call which is taken in may expect to be under way.
TARGET = 0.1
#: How many calls may be under way by that: at least (a limit of few starves group commit), after a rest (a burst is no
#: overload), and at most.
LEAST, START, MOST = 64, 128, 1024
#: Seconds over which it is counted how many calls are answered.
WINDOW = 0.25
#: Seconds after which a window without a call under way is no measure, even where calls were turned away in it.
_REST = 4 * WINDOW
#: Bounds of what callers are told to wait, in seconds.
SOONEST, LATEST = 0.05, 10.0
#: Answers a second, until they have been counted.
_GUESS = START / TARGET


class Gate:
    """A bound that does not move. Belongs to the event loop."""

    def __init__(
        self,
        name: str,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        #: As `antiphon_calls_refused` has it.
        self.name = name
        self.limit = limit
        self.under_way = 0
        #: Since the server was started.
        self.refused = 0
        self._clock = clock
        self._jitter = jitter

    @property
    def full(self) -> bool:
        """Whether there is no room."""
        return self.under_way >= self.limit

    def refuse(self) -> Unavailable:
        """Counts a call for which there is no room, and gives what to tell it: SERVER_BUSY."""
        self.refused += 1
        # Not all who are told in the same moment shall come back in the same moment.
        wait = self._jitter(0.5, 1.5) * min(max(self._wait(), SOONEST), LATEST)
        return Unavailable(
            "SERVER_BUSY",
            f"the server has {self.under_way} {self.name} under way and takes no more for now; nothing was done. Try "
            f"again in {wait:.2g} s",
            retry_after=round(wait * 1e6),
        )

    def enter(self) -> None:
        """Takes a call in; raises what `refuse` gives where there is no room."""
        if self.full:
            raise self.refuse()
        self.under_way += 1

    def leave(self) -> None:
        """The call is over, however it ended."""
        self.under_way -= 1

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Between `enter` and `leave`."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def _wait(self) -> float:
        """Seconds until there may be room."""
        return 1.0


class PacedGate(Gate):
    """A bound that follows how many calls are answered: as many may be under way as are answered in `TARGET` seconds
    (Little's law), whether the disk, the processor or other work makes them wait."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        super().__init__(name, START, clock, jitter)
        self._rate = _GUESS
        self._began = clock()
        self._answered = 0
        #: In this window, and in the one before.
        self._turned_away = 0
        self._turned_away_before = 0

    def enter(self) -> None:
        if not self.under_way and (not self._turned_away or self._clock() - self._began > _REST):
            # Nothing waited: what lies behind says nothing of how fast calls are answered.
            self.limit = max(self.limit, START)
            self._begin()
        super().enter()

    def leave(self) -> None:
        super().leave()
        self._answered += 1
        seconds = self._clock() - self._began
        if seconds >= WINDOW:
            self._measure(seconds)

    def _begin(self) -> None:
        self._began = self._clock()
        self._answered = self._turned_away = self._turned_away_before = 0

    def _measure(self, seconds: float) -> None:
        if self._turned_away or self._turned_away_before or self.under_way >= self.limit // 2:
            self._rate = (self._rate + self._answered / seconds) / 2
            self.limit = round(min(max(self._rate * TARGET, LEAST), MOST))
        else:
            self.limit = max(self.limit, START)
        turned_away = self._turned_away
        self._begin()
        self._turned_away_before = turned_away

    def _wait(self) -> float:
        """Until all are done that are here or were turned away lately, which come again."""
        self._turned_away += 1
        return (self.under_way + self._turned_away + self._turned_away_before) / self._rate

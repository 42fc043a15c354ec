"""Offers that wait for an answer, each for so long."""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")

#: Seconds in which an offer has to be answered.
OFFER = 30.0


class Offers(Generic[K, W]):
    """What was offered to whom. Belongs to the event loop; `lapsed` is told of each that was not answered in time."""

    def __init__(self, lapsed: Callable[[K, W], None]) -> None:
        self._lapsed = lapsed
        self._open: dict[K, W] = {}
        #: (when it lapses, what, whose), the soonest first.
        self._lapses: deque[tuple[float, K, W]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, what: K, whose: W) -> None:
        loop = asyncio.get_running_loop()
        self._open[what] = whose
        self._lapses.append((loop.time() + OFFER, what, whose))
        if self._timer is None:
            self._timer = loop.call_later(OFFER, self._lapse)

    def answered(self, what: K) -> None:
        self._open.pop(what, None)

    def drop(self, who: W) -> None:
        """Nobody waits for somebody's answers any more."""
        for what in [what for what, whose in self._open.items() if whose is who]:
            del self._open[what]

    def stop(self) -> None:
        """No timer is left."""
        if self._timer is not None:
            self._timer.cancel()

    def _lapse(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._lapses:
            when, what, whose = self._lapses[0]
            if when > loop.time():
                self._timer = loop.call_at(when, self._lapse)
                return
            self._lapses.popleft()
            if self._open.get(what) is whose:
                del self._open[what]
                self._lapsed(what, whose)

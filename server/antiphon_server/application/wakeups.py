"""When to look for work: at once where something stirred, and by a timer where something comes due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from antiphon_server.domain.errors import AntiphonError

logger = logging.getLogger(__name__)

#: Seconds: a timer is set for at most so long and then set anew, so that a clock that jumps strands nobody; and so long
#: after a round that failed.
LONGEST_TIMER, RETRY_AFTER = 60.0, 1.0


async def woken(event: asyncio.Event, seconds: float | None) -> bool:
    """Returns once the event is set, or after so many seconds; says whether it is set. None waits for ever."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


class Wakeups:
    """Keys at which to look. Belongs to the event loop; `clock` gives microseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        #: Those at which there may be something now.
        self.stirred: dict[str, None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()

    async def serve(
        self, hand_out: Callable[[], Awaitable[None]], everything: Callable[[], Iterable[str]], what: str
    ) -> None:
        """Calls `hand_out` whenever something stirred, until it is cancelled. After a round that failed, `everything`
        is looked at again; `what` is handed out, for people."""
        while True:
            await self.wait()
            try:
                await hand_out()
                continue
            except AntiphonError as error:
                logger.warning("%s could not be handed out, it is tried again: %s", what, error)
            except Exception:
                logger.exception("%s could not be handed out by a bug; it is tried again", what)
            await asyncio.sleep(RETRY_AFTER)
            for key in everything():
                self.stir(key)

    async def wait(self) -> None:
        """Returns when something stirred since the last time."""
        await self._wake.wait()
        self._wake.clear()

    def stir(self, key: str) -> None:
        self.stirred[key] = None
        self._wake.set()

    def wake(self) -> None:
        """There may be room now for what stirred before."""
        self._wake.set()

    def settle(self, key: str) -> None:
        """Somebody looks now."""
        self.stirred.pop(key, None)

    def expect(self, key: str, due: int) -> None:
        """Stirs at a time, or before."""
        seconds = (due - self._clock()) / 1e6
        if seconds <= 0:
            self.stir(key)
            return
        loop = asyncio.get_running_loop()
        seconds = min(seconds, LONGEST_TIMER)
        timer = self._timers.get(key)
        if timer is None or timer.when() > loop.time() + seconds:
            self._cancel(key)
            self._timers[key] = loop.call_later(seconds, self._came_due, key)

    def clock_moved(self) -> None:
        """What was to come due may be now."""
        for key in list(self._timers):
            self._cancel(key)
            self.stir(key)

    def forget(self, key: str) -> None:
        """Nobody will look there."""
        self.stirred.pop(key, None)
        self._cancel(key)

    def stop(self) -> None:
        """No timer is left."""
        for timer in self._timers.values():
            timer.cancel()

    def _came_due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.stir(key)

    def _cancel(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

"""Decides where nobody else does: sessions that were not heard of for their TTL, runs whose deadline has passed or that
are late; and forgets what need not be remembered."""

import asyncio
import logging

from antiphon_server.application.bulk import ForgetBulks
from antiphon_server.application.core import Core
from antiphon_server.application.deadlines import ExpireDeadlines, MarkLateRuns
from antiphon_server.application.forgetting import ForgetCacheEntries, ForgetCommands
from antiphon_server.application.requests import ForgetRequests
from antiphon_server.application.sessions import ExpireSessions, ForgetSessions, ForgiveDowntime
from antiphon_server.domain.errors import AntiphonError

logger = logging.getLogger(__name__)

#: Intervals between two rounds after which the server itself was away: stopped, suspended, or without a disk.
AWAY = 2


class Sweeper:
    """Looks every `interval` seconds, and at once where more is left to do. `ttl` in microseconds."""

    def __init__(self, core: Core, interval: float, ttl: int) -> None:
        self._core = core
        self._interval = interval
        self._ttl = ttl
        self._more = False
        #: Of the last round that was done, by the clock of the leases, and the faults counted by then.
        self._last = core.clock()
        self._faults = core.faults

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await asyncio.sleep(0 if self._more else self._interval)
            self._more = False
            try:
                await self.sweep()
            except AntiphonError as error:
                logger.warning("sessions could not be swept, the next round tries again: %s", error)
            except Exception:
                logger.exception("sessions could not be swept by a bug; the next round tries again")

    def clock_moved(self, by: int) -> None:
        """The clock was put forward, in microseconds: not for that time was nobody heard."""
        self._last += by

    async def sweep(self) -> list[str]:
        """One round; gives the ids of the sessions that were lost."""
        now, faults = self._core.clock(), self._core.faults
        if self._was_deaf(now, faults):
            await self._core.run(ForgiveDowntime(self._ttl))
        lost: list[str] = await self._core.run(ExpireSessions(now))
        self._last, self._faults = now, faults
        for session_id in lost:
            logger.warning("session %s was not heard of for its TTL; its runs are CRASHED", session_id)
        for work in (
            ExpireDeadlines(now),
            MarkLateRuns(now),
            ForgetRequests(),
            ForgetSessions(),
            ForgetCommands(),
            ForgetCacheEntries(),
            ForgetBulks(),
        ):
            self._more |= await self._core.run(work, bulk=True)
        return lost

    def _was_deaf(self, now: int, faults: int) -> bool:
        """Whether sessions may have spoken since the last round without being heard."""
        gap = now - self._last
        if 0 <= gap <= AWAY * self._interval * 1e6 and faults == self._faults:
            return False
        logger.warning(
            "%.1f s and %d failed transactions since sessions were last looked at: each gets a full TTL from now",
            gap / 1e6,
            faults - self._faults,
        )
        return True

"""Finds sessions that were not heard of for their TTL and gives them up, and forgets what need not be remembered."""

import asyncio
import logging

from antiphon_server.application.core import Core
from antiphon_server.application.requests import ForgetRequests
from antiphon_server.application.sessions import ExpireSessions
from antiphon_server.domain.errors import AntiphonError

logger = logging.getLogger(__name__)


class Sweeper:
    """Looks every `interval` seconds, and at once where more is left to forget."""

    def __init__(self, core: Core, interval: float) -> None:
        self._core = core
        self._interval = interval
        self._more = False

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

    async def sweep(self) -> list[str]:
        """One round; gives the ids of the sessions that were lost."""
        lost: list[str] = await self._core.run(ExpireSessions())
        for session_id in lost:
            logger.warning("session %s was not heard of for its TTL; its runs are CRASHED", session_id)
        self._more = await self._core.run(ForgetRequests(), bulk=True)
        return lost

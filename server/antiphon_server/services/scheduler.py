"""Plans the runs of schedules when that is due: at once after a change, and else by a timer."""

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import Any

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.schedule_times import LookAtSchedules, Planning
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.services.board import Board

logger = logging.getLogger(__name__)

#: Seconds: schedules are looked at so often, so that it is known when no server ran; and so long after a round that
#: failed.
INTERVAL, RETRY_AFTER = 30.0, 1.0
#: Microseconds without a look after which no server ran.
AWAY = 60_000_000
#: What plans is loaded when there is something to plan: a server that starts for one hello has no use for it.
NAME = "scheduler"
_PLANNING = "antiphon_server.application.planning"


class Scheduler:
    """Belongs to the event loop."""

    def __init__(
        self, core: Core, *, board: Board | None = None, leads: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._core = core
        self._board = board if board is not None else Board(core.clock)
        self._leads = leads
        self._board.add(NAME, "plans the runs of schedules")
        self._wake = asyncio.Event()
        #: The clock was put forward: times that it passed are not missed.
        self._moved = False
        core.listen(self._on_changes)

    async def restore(self) -> None:
        """Decides, before any worker can take them, on runs whose time came while no server ran."""
        if not self._leads(NAME):
            return
        planning: Planning = await self._core.run(LookAtSchedules())
        now = self._core.clock()
        if planning.looked is None or now - planning.looked < AWAY:
            return
        away = _planner().Away(planning.looked, now)
        logger.info("no server looked at schedules for %.0f s", (now - planning.looked) / 1e6)
        await self._core.run(_planner().WakeSchedules(away))
        await self._plan(now, away=away)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        delay: float | None = 0.0
        while True:
            await self._woken(delay)
            try:
                delay = await self.round()
            except AntiphonError as error:
                logger.warning("schedules could not be planned, it is tried again: %s", error)
                delay = RETRY_AFTER
            except Exception:
                logger.exception("schedules could not be planned by a bug; it is tried again")
                delay = RETRY_AFTER

    def clock_moved(self) -> None:
        """The clock was put forward, as if the server had lived meanwhile."""
        self._moved = True

    async def round(self) -> float | None:
        """Plans what is due; gives the seconds until the next look, None where there is nothing to look at."""
        self._wake.clear()
        if not self._leads(NAME):
            return INTERVAL
        moved, self._moved = self._moved, False
        planning: Planning = await self._core.run(LookAtSchedules())
        if not planning.any:
            return None
        with self._board.round(NAME, due=planning.soonest):
            soonest = await self._plan(planning.soonest, lived=moved)
        left = (soonest - self._core.clock()) / 1e6 if soonest is not None else INTERVAL
        return min(max(left, 0.0), INTERVAL)

    async def _plan(self, soonest: int | None, **how: Any) -> int | None:
        """Plans until nothing is due; gives when the next schedule is."""
        while soonest is not None and soonest <= self._core.clock():
            soonest = await self._core.run(_planner().PlanSchedules(**how), bulk=True)
        return soonest

    async def _woken(self, delay: float | None) -> None:
        """Returns after `delay` seconds, or when something has changed."""
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return

    def _on_changes(self, changes: Changes) -> None:
        if changes.schedules:
            self._wake.set()


def _planner() -> Any:
    return importlib.import_module(_PLANNING)

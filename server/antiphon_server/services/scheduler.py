"""Plans the runs of schedules when that is due: at once after a change, and else by a timer."""

import asyncio
import importlib
import logging
import time
from collections.abc import Callable
from typing import Any

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.schedule_times import LookAtSchedules, NoteLook, Planning
from antiphon_server.application.wakeups import woken
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.services.board import Board

logger = logging.getLogger(__name__)

#: Seconds: schedules are looked at so often, so that it is known when no server ran; and so long after a round that
#: failed.
INTERVAL, RETRY_AFTER = 30.0, 1.0
#: Microseconds: without a look for so long no server ran, and a look is noted so often.
AWAY, NOTED = 60_000_000, 20_000_000
NAME = "scheduler"
#: What plans is loaded when there is something to plan: a server that starts for one hello has no use for it.
_PLANNING = "antiphon_server.application.planning"


class Scheduler:
    """Belongs to the event loop."""

    def __init__(
        self,
        core: Core,
        *,
        board: Board | None = None,
        leads: Callable[[str], bool] = lambda _: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` gives seconds that this process lived."""
        self._core = core
        self._board = board if board is not None else Board(core.clock)
        self._leads = leads
        self._monotonic = monotonic
        self._board.add(NAME, "plans the runs of schedules")
        self._wake = asyncio.Event()
        #: Held in a round. Who holds it may put the clock forward.
        self.planning = asyncio.Lock()
        #: The clock was put forward: times that it passed are not missed.
        self._moved = False
        #: When the last round ended, by the clock and by `monotonic`.
        self._looked: tuple[int, float] | None = None
        core.listen(self._on_changes)

    async def restore(self) -> None:
        """Decides, before any worker can take them, on runs whose time came while no server ran."""
        await self._tried()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        delay: float | None = 0.0
        while True:
            await woken(self._wake, delay)
            delay = await self._tried()

    def clock_moved(self) -> None:
        """The clock was put forward, as if the server had lived meanwhile."""
        self._moved = True

    async def round(self) -> float | None:
        """Plans what is due; gives the seconds until the next look, None where there is nothing to look at."""
        self._wake.clear()
        async with self.planning:
            if not self._leads(NAME):  # Another server looks, and notes it.
                self._moved, self._looked = False, None
                return INTERVAL
            with self._board.round(NAME) as made:
                planning: Planning = await self._core.run(LookAtSchedules())
                made.was_due(planning.soonest)
                soonest = await self._plan_from(planning) if planning.any else None
                now = self._core.clock()
                if planning.any and not (planning.looked is not None and 0 <= now - planning.looked < NOTED):
                    await self._core.run(NoteLook())
            self._moved, self._looked = False, (now, self._monotonic())
        if not planning.any:
            return None
        left = (soonest - now) / 1e6 if soonest is not None else INTERVAL
        return min(max(left, 0.0), INTERVAL)

    async def _tried(self) -> float | None:
        """A round, whatever comes of it; gives the seconds until the next one."""
        try:
            return await self.round()
        except AntiphonError as error:
            logger.warning("schedules could not be planned, it is tried again: %s", error)
        except Exception:
            logger.exception("schedules could not be planned by a bug; it is tried again")
        return RETRY_AFTER

    async def _plan_from(self, planning: Planning) -> int | None:
        """Plans what is due; gives when the next schedule is."""
        now = self._core.clock()
        since = self._away_since(planning.looked, now)
        if since is None:
            return await self._plan(planning.soonest, lived=self._moved)
        away = _planner().Away(since, now)
        logger.info("no server looked at schedules for %.0f s", (now - since) / 1e6)
        await self._core.run(_planner().WakeSchedules(away))
        return await self._plan(now, away=away)

    def _away_since(self, looked: int | None, now: int) -> int | None:
        """When a span began that ends now, in which no server ran, or which the clock has left out: this machine slept,
        say. None where there is none. `looked` is when a server last looked."""
        if self._moved:
            return None
        if self._looked is None:
            return looked if looked is not None and now - looked >= AWAY else None
        before, lived = self._looked
        left_out = now - before - (self._monotonic() - lived) * 1e6
        return before if left_out >= AWAY else None

    async def _plan(self, soonest: int | None, **how: Any) -> int | None:
        """The same, `how` PlanSchedules has it."""
        while soonest is not None and soonest <= self._core.clock():
            soonest = await self._core.run(_planner().PlanSchedules(**how), bulk=True)
        return soonest

    def _on_changes(self, changes: Changes) -> None:
        if changes.schedules:
            self._wake.set()


def _planner() -> Any:
    return importlib.import_module(_PLANNING)

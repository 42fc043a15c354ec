"""Decides where nobody else does, and forgets what need not be remembered: chores that are looked at every few
seconds."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon_server.application.bulk import ForgetBulks
from antiphon_server.application.core import Core
from antiphon_server.application.deadlines import ExpireDeadlines, MarkLateRuns
from antiphon_server.application.forgetting import ForgetCacheEntries, ForgetCommands, ForgetWorkers
from antiphon_server.application.requests import ForgetRequests
from antiphon_server.application.retention import DeleteOldLogs, DeleteOldRuns
from antiphon_server.application.servers import ForgetChanges
from antiphon_server.application.sessions import ExpireSessions, ForgetSessions, ForgiveDowntime
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.services.board import Board

logger = logging.getLogger(__name__)

#: Intervals between two rounds after which the server itself was away: stopped, suspended, or without a disk.
AWAY = 2
SESSIONS = "sessions"
DEADLINES, LATE_RUNS, HOUSEKEEPING, RETENTION = CHORES = "deadlines", "late-runs", "housekeeping", "retention"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long runs that have ended, and lines of logs, are kept, in microseconds; None keeps them for ever."""

    runs: int | None = None
    logs: int | None = None


@dataclass(frozen=True, slots=True)
class _Chore:
    """What one service does in a round: operations, made with the time of the round, that say whether more is left."""

    name: str
    about: str
    operations: Callable[[int], Sequence[Any]]


def _chores(retention: Retention) -> Sequence[_Chore]:
    chores = [
        _Chore(
            DEADLINES,
            "gives back claims that did not come to RUNNING, ends runs that did not stop and pauses that are over",
            lambda now: (ExpireDeadlines(now),),
        ),
        _Chore(LATE_RUNS, "marks runs that nobody took in time", lambda now: (MarkLateRuns(now),)),
        _Chore(
            HOUSEKEEPING,
            "forgets answers, sessions, commands, cached results, operations and workers of long ago",
            lambda _: (
                ForgetRequests(),
                ForgetSessions(),
                ForgetCommands(),
                ForgetCacheEntries(),
                ForgetBulks(),
                ForgetWorkers(),
                ForgetChanges(),
            ),
        ),
    ]
    old = [
        *([DeleteOldRuns(retention.runs)] if retention.runs is not None else []),
        *([DeleteOldLogs(retention.logs)] if retention.logs is not None else []),
    ]
    if old:
        chores.append(_Chore(RETENTION, "deletes runs and logs that are too old", lambda _: old))
    return chores


class Sweeper:
    """Looks every `interval` seconds, and at once where more is left to do. `ttl` in microseconds. Chores that another
    server leads are left to that."""

    def __init__(
        self,
        core: Core,
        interval: float,
        ttl: int,
        *,
        board: Board | None = None,
        leads: Callable[[str], bool] = lambda _: True,
        retention: Retention = Retention(),
    ) -> None:
        self._core = core
        self._interval = interval
        self._ttl = ttl
        self._board = board if board is not None else Board(core.clock)
        self._leads = leads
        self._chores = _chores(retention)
        self._more = False
        #: Of the last round that was done, by the clock of the leases, and the faults counted by then.
        self._last = core.clock()
        self._faults = core.faults
        self._board.add(SESSIONS, "ends sessions that were not heard of for their TTL", interval)
        for chore in self._chores:
            self._board.add(chore.name, chore.about, interval)

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
        now, lost = self._core.clock(), []
        if self._leads(SESSIONS):
            with self._board.round(SESSIONS):
                lost = await self._sweep_sessions(now)
        for chore in self._chores:
            if self._leads(chore.name):
                with self._board.round(chore.name):
                    for operation in chore.operations(now):
                        self._more |= await self._core.run(operation, bulk=True)
        return lost

    async def _sweep_sessions(self, now: int) -> list[str]:
        faults = self._core.faults
        if self._was_deaf(now, faults):
            await self._core.run(ForgiveDowntime(self._ttl))
        lost: list[str] = await self._core.run(ExpireSessions(now, self._core.owners()))
        self._last, self._faults = now, faults
        for session_id in lost:
            logger.warning(
                "session %(session_id)s was not heard of for its TTL; what it held is left to others",
                {"session_id": session_id},
            )
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

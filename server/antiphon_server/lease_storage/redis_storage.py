"""Leases whose time Redis keeps: renewals that cost the database nothing but for one in ten or so.

A lease begins in the database, and its first renewal goes there: from then on it ends after ten durations at the
latest, and what is in between Redis knows. A renewal is answered by Redis alone only for a lease that this server knows
to be given, by what the database told it and by the commits that it hears of since; that Redis knows to be given,
having forgotten nothing; and that the database gives for longer than that. Everything else goes by the database.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import Any

from antiphon_server.application.core import Changes, Core, settle
from antiphon_server.application.kept_leases import BeginEpoch, EndOverdue, KeepLease
from antiphon_server.application.leases import RenewSlots
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.leases import Lease, lease_not_found
from antiphon_server.lease_storage.lease_set import LeaseSet, RedisAway
from antiphon_server.services.board import Board

logger = logging.getLogger(__name__)

NAME = "lease-keeper"
#: Seconds between two looks at Redis, at most and at least.
INTERVAL, SHORTEST = 1.0, 0.01
#: Leases that are ended in one transaction.
MOST = 100


class _Answer(Enum):
    RENEWED = auto()
    OVER = auto()
    #: Redis has forgotten something, or is not there.
    NOT_KNOWN = auto()


class RedisLeaseStorage:
    """A `LeaseStorage`. Every server that reaches Redis ends what is over; that several do harms nobody."""

    def __init__(self, core: Core, lease_set: LeaseSet, board: Board) -> None:
        self._core = core
        self._set = lease_set
        self._board = board
        self.address = lease_set.address
        #: Whether Redis answers; None before it was asked.
        self._there: bool | None = None
        #: The run of Redis that counts, as the database says, and whether the set there is known to be whole.
        self._run = ""
        self._whole = False
        #: As the database has told of them.
        self._known: dict[str, Lease] = {}
        #: What Redis is to be told next: renewals, leases with the time that they last, and leases that have ended.
        self._renewals: list[tuple[str, int, asyncio.Future[_Answer]]] = []
        self._kept: dict[str, int] = {}
        self._ended: list[str] = []
        self._saying: asyncio.Task[None] | None = None
        core.listen(self._on_changes)
        board.add(NAME, "ends leases whose time is over, by what Redis knows", INTERVAL)

    async def renew(self, id: str, duration: int | None) -> Lease:
        asked, answer = self._core.clock(), _Answer.NOT_KNOWN
        known = self._known.get(id)
        if known is not None and duration in (None, known.duration) and _reaches(known, asked):
            answer = await self._ask(known)
            # It may have ended meanwhile.
            if answer is _Answer.RENEWED and id in self._known:
                return replace(known, sure_time=asked + known.duration)
        if not self._there:
            lease: Lease = await self._core.run(RenewSlots(id, duration))
            return lease
        return await self._keep(KeepLease(id, duration, answer is _Answer.OVER))

    async def run(self) -> None:
        """Looks at Redis, also whether it is there, until it is cancelled."""
        while True:
            wait = INTERVAL
            try:
                with self._board.round(NAME):
                    wait = await self._round()
            except RedisAway as error:
                self._lose(error)
            except AntiphonError as error:
                logger.warning("leases whose time is over could not be ended, it is tried again: %s", error)
            except Exception:
                logger.exception("leases whose time is over could not be ended by a bug; it is tried again")
            await asyncio.sleep(wait)

    async def close(self) -> None:
        self._there = False
        await self._set.close()

    # Renewals

    async def _keep(self, wish: KeepLease) -> Lease:
        answered: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()
        self._core.submit(wish, partial(self._kept_by_database, answered))
        lease = await answered
        if lease is None:
            raise lease_not_found(wish.id)
        return lease

    def _kept_by_database(self, answered: asyncio.Future[Any], answer: Lease | Exception | None) -> None:
        # Here, before anybody hears of a later commit, which may end it.
        if isinstance(answer, Lease):
            self._known[answer.id] = answer
            self._kept[answer.id] = answer.duration
            self._speak()
        settle(answered, answer)

    async def _ask(self, lease: Lease) -> _Answer:
        if not self._there:
            return _Answer.NOT_KNOWN
        answered: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._renewals.append((lease.id, lease.duration, answered))
        self._speak()
        return await answered

    def _on_changes(self, changes: Changes) -> None:
        if changes.lease_epoch is not None:
            self._run = changes.lease_epoch
        for id, goes_on in changes.kept_leases.items():
            self._known.pop(id, None)
            if not goes_on:
                self._kept.pop(id, None)
                self._ended.append(id)
                self._speak()

    def _speak(self) -> None:
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_all())

    async def _say_all(self) -> None:
        """Tells Redis all that there is to tell, and then what has come meanwhile: one call for many renewals."""
        while self._renewals or self._kept or self._ended:
            renewals, kept, ended = self._renewals, self._kept, self._ended
            self._renewals, self._kept, self._ended = [], {}, []
            renewed: Sequence[bool] | None = None
            try:
                # What is not told is added, or found to be over, once Redis is there again.
                if self._there:
                    renewed = await self._set.say(self._run, [(id, micros) for id, micros, _ in renewals], kept, ended)
            except RedisAway as error:
                self._lose(error)
            except Exception as error:
                logger.exception("renewals could not be told to Redis by a bug")
                self._lose(error)
            for place, (_, _, answered) in enumerate(renewals):
                settle(answered, _answer(renewed, place))

    # Redis

    async def _round(self) -> float:
        """Ends what is over; gives the seconds until the next look."""
        if not (self._there and self._whole):
            await self._begin()
        found = await self._set.due(self._run, MOST)
        if found is None:
            self._whole = False
            return INTERVAL
        ids, wait = found
        if ids:
            going_on = await self._core.run(EndOverdue(self._run, ids))
            if going_on is None:
                self._whole = False
                return INTERVAL
            if going_on:  # Renewed in the database.
                await self._set.say(self._run, (), going_on, ())
            await self._set.drop(self._run, [id for id in ids if id not in going_on])
        if len(ids) == MOST:
            return SHORTEST
        return INTERVAL if wait is None else min(max(wait / 1e6, SHORTEST), INTERVAL)

    async def _begin(self) -> None:
        """Brings Redis, of which it is not known what it has forgotten, to what the database knows."""
        run = await self._set.run_id()
        durations, another = await self._core.run(BeginEpoch(run))
        self._run = run
        whole = await self._set.fill(run, durations, lost=another)
        if whole is None:
            raise RedisAway("it was restarted just now")
        if not whole and durations:
            logger.warning(
                "Redis at %s had forgotten leases: all %d last for their whole time from now",
                self.address,
                len(durations),
            )
        if not self._there:
            logger.info("leases that are renewed are kept in Redis at %s", self.address)
        self._there = self._whole = True

    def _lose(self, error: Exception) -> None:
        """Says it once, until Redis is there again."""
        if self._there is not False:
            logger.warning(
                "Redis at %s cannot be used, leases are renewed in the database until it can: %s", self.address, error
            )
        self._there = False


def _reaches(lease: Lease, now: int) -> bool:
    """Whether the database gives it for as long as a renewal says, and as long again: a clock may be behind."""
    assert lease.expire_time is not None
    return now + 2 * lease.duration <= lease.expire_time


def _answer(renewed: Sequence[bool] | None, place: int) -> _Answer:
    if renewed is None:
        return _Answer.NOT_KNOWN
    return _Answer.RENEWED if renewed[place] else _Answer.OVER

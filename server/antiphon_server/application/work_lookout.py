"""Which flow runs may be had from a work pool, or from a deployment that is in none."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from antiphon_server.application.takers import Parcel, Taker, affinity_of
from antiphon_server.application.workers import Claim
from antiphon_server.domain.states import PENDING
from antiphon_server.storage import work_lines
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.sources import DEPLOYMENTS, FLOW_RUNS
from antiphon_server.storage.work_lines import OpenQueue, Queued

#: Seconds for which a run is passed over that could not be claimed.
PASSED_OVER = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """A run that may be had from a queue, and what it asks of its worker."""

    queue: OpenQueue
    affinity: str
    run: Queued

    @property
    def turn(self) -> tuple[int, Queued]:
        """Those that come first have the lesser ones."""
        return self.queue.priority, self.run


class Lookout:
    """Looks into the database, and no further than there is room for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        #: Queue -> its pool, of those that were seen.
        self.pool_of: dict[str, str] = {}
        #: Runs that could not be claimed, and in the loop's time until when nobody tries.
        self._passed: dict[str, float] = {}

    def pass_over(self, run_id: str) -> None:
        """It cannot be had now: its limit is 0, say."""
        self._passed[run_id] = asyncio.get_running_loop().time() + PASSED_OVER

    def try_again(self, run_id: str | None = None) -> None:
        """It may be had; without an id any of them."""
        if run_id is None:
            self._passed.clear()
        else:
            self._passed.pop(run_id, None)

    async def look(
        self, source: str, takers: Collection[Taker], clock: int, most: int
    ) -> tuple[list[Found], int | None]:
        """At least so many of each line, where there are, besides those that nobody may have now; in the order in which
        they go. And when to look for the next one, where there are no more of its line."""
        now = asyncio.get_running_loop().time()
        self._passed = {id: end for id, end in self._passed.items() if end > now}
        found: list[Found] = []
        soonest: int | None = None
        for queue in await self._queues(source, takers):
            if 0 in (queue.room, queue.pool_room) or not suited(takers, queue, ""):
                continue
            for affinity in await self._reader.affinities(queue.id):
                able = suited(takers, queue, affinity)
                if not able:
                    continue
                line, prefetch = (queue.id, affinity), max(taker.prefetch for taker in able)
                # Who looks furthest ahead may have any of them but those that it declined.
                limit = most + len(self._passed) + sum(len(taker.declined) for taker in able)
                due, following = await self._reader.queued(work_lines.FLOW_RUNS, line, clock + prefetch, limit)
                found += [Found(queue, affinity, each) for each in due if each.id not in self._passed]
                if following is not None:
                    look = following - prefetch
                    soonest = look if soonest is None else min(soonest, look)
        return sorted(found, key=_turn), soonest

    async def _queues(self, source: str, takers: Collection[Taker]) -> Sequence[OpenQueue]:
        if not any(taker.work_pool_id == source for taker in takers):
            return [OpenQueue(source, "", 0, None, None)]
        queues = await self._reader.open_queues(source)
        self.pool_of.update((queue.id, source) for queue in queues)
        return queues

    async def parcels(self, session_id: str, claims: Sequence[Claim]) -> list[tuple[Claim, Parcel | None]]:
        """What a worker must know of the first of some claims, as many as are read at once; None where the session has
        it no more."""
        runs, looked_at = await self._reader.matching(FLOW_RUNS, None, [claim.flow_run_id for claim in claims])
        there = [run for run in runs.values() if run.state_type == PENDING and run.session_id == session_id]
        deployments = await self._reader.rows(DEPLOYMENTS, sorted({run.deployment_id for run in there}))
        older = {
            (run.deployment_id, run.deployment_version)
            for run in there
            if run.deployment_id in deployments
            and run.deployment_version not in (None, deployments[run.deployment_id].version_number)
        }
        versions = await self._reader.deployment_versions(sorted(older))
        parcels = {
            Claim(run.id, run.fencing_token): Parcel(
                run, deployments.get(run.deployment_id), versions.get((run.deployment_id, run.deployment_version))
            )
            for run in there
        }
        return [(claim, parcels.get(claim)) for claim in claims[:looked_at]]


def suited(takers: Collection[Taker], queue: OpenQueue, affinity: str) -> list[Taker]:
    """Those with room who may have runs of a line; with no affinity, perhaps some of the queue's."""
    wanted = affinity_of(affinity)
    return [taker for taker in takers if taker.open and taker.serves(queue.name) and taker.suits(wanted)]


def pick(takers: Collection[Taker], found: Sequence[Found], now: int, most: int) -> list[tuple[str, Taker]]:
    """A taker for each run in turn, as far as there is room, at most so many; takes their credit."""
    picked: list[tuple[str, Taker]] = []
    rooms = {each.queue.id: each.queue.room for each in found}
    pool_room = found[0].queue.pool_room if found else None
    for each in found:
        room = rooms[each.queue.id]
        if len(picked) == most or pool_room == 0:
            break
        taker = _best(takers, each, now) if room != 0 else None
        if taker is None:
            continue
        taker.credit -= 1
        picked.append((each.run.id, taker))
        rooms[each.queue.id] = room - 1 if room is not None else None
        pool_room = pool_room - 1 if pool_room is not None else None
    return picked


def _best(takers: Collection[Taker], found: Found, now: int) -> Taker | None:
    """Who likes the run most and, of those, has most room."""
    wanted = affinity_of(found.affinity)
    may = [
        taker
        for taker in suited(takers, found.queue, found.affinity)
        if found.run.time <= now + taker.prefetch and found.run.id not in taker.declined
    ]
    return max(may, key=lambda taker: (taker.liking(wanted), taker.credit), default=None)


def _turn(found: Found) -> tuple[int, Queued]:
    return found.turn

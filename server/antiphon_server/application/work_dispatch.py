"""Claims flow runs for workers the moment they are due, and offers them: each to one, by the priority of its queue,
then its own, then its time.

The claim comes first, in the database, so that a run is never offered twice, and what is forgotten here by a crash or a
cut is offered again when its worker comes back, or given back when its lease runs out. A look into the database is
taken where a run was queued or came due and a worker has room.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.offers import Offers
from antiphon_server.application.takers import Taker, Takers
from antiphon_server.application.wakeups import RETRY_AFTER, Wakeups
from antiphon_server.application.work_lookout import PASSED_OVER, Lookout, pick
from antiphon_server.application.worker_claims import Claimed, ClaimRuns, GiveBack, Pick
from antiphon_server.application.workers import Claim
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.reader import Reader

logger = logging.getLogger(__name__)

#: Runs that are claimed at once.
MOST = 200


class WorkDispatch:
    """Which flow run goes to whom. Belongs to the event loop."""

    def __init__(self, core: Core, reader: Reader, takers: Takers | None = None) -> None:
        """`takers` are kept up for others to look at."""
        self._core = core
        self._reader = reader
        self._lookout = Lookout(reader)
        self._takers: Takers = takers if takers is not None else {}
        self._by_session: dict[str, Taker] = {}
        self._wakeups = Wakeups(core.clock)
        self._offers: Offers[Claim, Taker] = Offers(self._lapsed)
        core.listen(self._on_changes)
        core.at_clock_move(self._wakeups.clock_moved)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await self._wakeups.serve(self._hand_out, lambda: self._takers, "flow runs")

    def stop(self) -> None:
        """No timer is left."""
        self._wakeups.stop()
        self._offers.stop()

    # Workers

    async def come(self, taker: Taker, holds: Iterable[Claim]) -> None:
        """A worker is here: it is offered again what it had claimed and does not know of."""
        self._by_session[taker.session_id] = taker
        for source in taker.sources:
            self._takers.setdefault(source, {})[taker] = None
        known = {claim.flow_run_id for claim in holds}
        claimed = await self._reader.claimed_flow_runs(taker.session_id)
        taker.claimed((Claim(id, token) for id, token in claimed if id not in known), 0)

    def leave(self, taker: Taker) -> None:
        """A worker is gone, for now or for good; what it has claimed stays its session's."""
        for source in taker.sources:
            takers = self._takers.get(source, {})
            takers.pop(taker, None)
            if not takers:
                self._takers.pop(source, None)
                self._wakeups.forget(source)
        if self._by_session.get(taker.session_id) is taker:
            del self._by_session[taker.session_id]
        self._offers.drop(taker)

    def credit(self, taker: Taker, runs: int) -> None:
        """A worker has room for more."""
        taker.add_credit(runs)
        self._stir_for(taker)

    def no_more(self, taker: Taker) -> None:
        """A worker takes nothing more."""
        taker.no_more()

    def heard(self, taker: Taker) -> None:
        """A worker lives."""
        if taker.stalled:
            taker.stalled = False
            self._stir_for(taker)

    def taken(self, claim: Claim) -> None:
        """An offer was answered."""
        self._offers.answered(claim)

    def declined(self, taker: Taker, claim: Claim, reason: str, retry_after: float) -> None:
        """An offer is not wanted, for so many seconds."""
        self._offers.answered(claim)
        taker.declined.add(claim.flow_run_id)
        asyncio.get_running_loop().call_later(retry_after, self._wanted_again, taker, claim.flow_run_id)
        why = f"{taker.name} declined it: {reason or 'it did not say why'}"
        self._core.submit(GiveBack(taker.session_id, claim, why), _noted)

    def _wanted_again(self, taker: Taker, run_id: str) -> None:
        taker.declined.discard(run_id)
        self._stir_for(taker)

    def _stir_for(self, taker: Taker) -> None:
        for source in taker.sources:
            if taker in self._at(source):
                self._wakeups.stir(source)

    def _at(self, source: str) -> Collection[Taker]:
        return self._takers.get(source, {}).keys()

    # What happens

    def _on_changes(self, changes: Changes) -> None:
        if not self._takers:
            return
        for kind, run_id in changes.runs:
            if kind is RunKind.FLOW_RUN:
                self._lookout.try_again(run_id)
        for key, due in changes.queued_work.items():
            source = self._lookout.pool_of.get(key, key)
            # One that is not known yet is new, and makes room for work by itself.
            if source in self._takers:
                self._wakeups.expect(source, due - self._prefetch(source))
        if changes.room_for_work:
            self._lookout.try_again()
        if changes.room_for_work or changes.slots_for_work:
            self._stir_all()

    def _stir_all(self) -> None:
        for source in self._takers:
            self._wakeups.stir(source)

    def _prefetch(self, source: str) -> int:
        """How far ahead those look who have room; who gets room looks by itself."""
        return max((taker.prefetch for taker in self._at(source) if taker.open), default=0)

    # Handing out

    async def _hand_out(self) -> None:
        """Rounds, until nobody has room or nothing is due."""
        while sources := [source for source in self._wakeups.stirred if self._room(source)]:
            for source in sources:
                await self._hand_out_from(source)

    def _room(self, source: str) -> int:
        return sum(taker.credit for taker in self._at(source) if taker.open)

    async def _hand_out_from(self, source: str) -> None:
        # Before the look: what is queued meanwhile is looked for again.
        self._wakeups.settle(source)
        now, most = self._core.clock(), min(self._room(source), MOST)
        found, following = await self._lookout.look(source, self._at(source), now, most)
        if following is not None:
            self._wakeups.expect(source, following)
        if not found:
            return
        picked = pick(self._at(source), found, self._core.clock(), MOST)
        if picked:
            # There may be more; what could not be claimed left its room.
            self._wakeups.stir(source)
            await self._claim(source, picked)
            return
        # Those who have room look less far ahead than others.
        ahead = [each.run.time for each in found if each.run.time > now]
        if ahead:
            self._wakeups.expect(source, min(ahead))

    async def _claim(self, source: str, picked: Sequence[tuple[str, Taker]]) -> None:
        """Claims the runs and offers those that could be."""
        claim = ClaimRuns([Pick(id, taker.session_id, taker.name) for id, taker in picked])
        claims: dict[str, Claim] = {}
        try:
            answer: Claimed = await self._core.run(claim)
            claims = {each.flow_run_id: each for each in answer.claims}
        finally:
            for id, taker in picked:
                if id not in claims:
                    taker.take_back()
        for id in answer.refused:
            self._lookout.pass_over(id)
            self._wakeups.expect(source, self._core.clock() + round(PASSED_OVER * 1e6))
        for id, taker in picked:
            # Not always who was picked: it may have come back meanwhile. Of who has not, they are its session's.
            here = self._by_session.get(taker.session_id)
            if id in claims and here is not None:
                here.claimed([claims[id]], int(here is taker))

    async def deliver(self, taker: Taker) -> None:
        """Offers a worker what was claimed for it, no faster than it reads, until it is cancelled."""
        while True:
            await taker.has_claims()
            try:
                await self._deliver_some(taker)
                continue
            except AntiphonError as error:
                logger.warning("%s could not be offered its flow runs, it is tried again: %s", taker.name, error)
            except Exception:
                logger.exception("%s could not be offered its flow runs by a bug; it is tried again", taker.name)
            await asyncio.sleep(RETRY_AFTER)

    async def _deliver_some(self, taker: Taker) -> None:
        for claim, parcel in await self._lookout.parcels(taker.session_id, list(islice(taker.claims, MOST))):
            credit = taker.claims.pop(claim, None)
            if credit is None:
                continue  # It was given back meanwhile.
            if parcel is None:  # It was cancelled or deleted meanwhile, or the claim has run out.
                taker.take_back(credit)
                self._stir_for(taker)
            else:
                self._offers.add(claim, taker)
                await taker.deliver(parcel)

    def _lapsed(self, claim: Claim, taker: Taker) -> None:
        """A worker that does not answer is offered nothing until it is heard again."""
        taker.stalled = True
        why = f"{taker.name} did not answer the offer"
        said = {"flow_run_id": claim.flow_run_id, "session_id": taker.session_id, "why": why}
        logger.warning("flow run %(flow_run_id)s: %(why)s; it is offered to others", said)
        taker.take_back(sum(taker.claims.values()))
        for each in (claim, *taker.claims):
            self._core.submit(GiveBack(taker.session_id, each, why), _noted)
        taker.claims.clear()


def _noted(answer: object) -> None:
    if isinstance(answer, Exception):
        logger.warning("a claim could not be given back, its deadline will: %s", answer)

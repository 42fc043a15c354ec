"""Takes runs for a crew, from the first word to the server until the last run has ended."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from antiphon.client.conversions.runs import flow_run_from
from antiphon.engine.scopes import in_loop
from antiphon.exceptions import AntiphonException
from antiphon.server_address import connect_target
from antiphon.session.session import STARTUP_TIMEOUT
from antiphon.settings import get_current_settings
from antiphon.stop_signals import stopped_by_signals
from antiphon.v1 import work_service_pb2 as pb
from antiphon.workers.job import Crew, Job
from antiphon.workers.line import WorkLine
from antiphon.workers.line_core import Claim, Event, Kill, LineCore, Lost, Offered, Settled, Welcomed

#: Seconds with room and without an offer after which one that runs once has all that is due.
ONCE_PATIENCE = 2.0
#: Seconds that the server gets to hear of the last ends.
_REPORTS_PATIENCE = 10.0

logger = logging.getLogger("antiphon.worker")


class Desk:
    """Belongs to the event loop that `work` runs in."""

    def __init__(
        self,
        crew: Crew,
        hello: pb.WorkerHello,
        limit: int | None,
        *,
        welcomed: Callable[[pb.WorkerWelcome], object],
        stopping: Callable[[], Coroutine[Any, Any, object]] | None = None,
        run_once: bool = False,
    ) -> None:
        """`welcomed` is called in the loop each time that the server knows the worker, `stopping` when no more runs are
        taken."""
        self._crew = crew
        self._welcomed = welcomed
        self._stopping = stopping
        self._run_once = run_once
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._settled = asyncio.Event()
        self._failure: AntiphonException | None = None
        self._jobs: dict[Claim, Job] = {}
        self._lives: dict[Job, asyncio.Future[None]] = {}
        self._lapse: asyncio.TimerHandle | None = None
        self._once: asyncio.TimerHandle | None = None
        self._line = WorkLine(
            partial(connect_target, get_current_settings()),
            LineCore(hello, limit),
            startup_timeout=STARTUP_TIMEOUT,
            happened=partial(in_loop, self._loop, self._take_in),
            cut=partial(in_loop, self._loop, self._expect_lapse),
            failed=partial(in_loop, self._loop, self._fail),
        )

    @property
    def runs(self) -> int:
        """How many are here."""
        return len(self._jobs)

    @property
    def in_touch(self) -> bool:
        """Whether the server was heard within the lease."""
        left = self._line.seconds_to_lapse()
        return left is not None and left > 0

    def stop(self) -> None:
        """Take no more, and end when those that are here have ended; at the second word they are killed. Safe in any
        thread."""
        in_loop(self._loop, self._told_to_stop)

    async def work(self) -> None:
        """Until it is told to stop, by `stop`, SIGINT or SIGTERM, or the server refuses: what it says is raised."""
        self._line.start()
        try:
            with stopped_by_signals(self._loop, self._told_to_stop):
                await self._stop.wait()
                self._line.take_no_more()
                aside = asyncio.ensure_future(self._stopping()) if self._stopping is not None else None
                await self._finish()
                if aside is not None:
                    await self._unless_hurried(aside)
        finally:
            for timer in (self._lapse, self._once):
                if timer is not None:
                    timer.cancel()
            if self._lives:
                # Only where this was cancelled: nobody would watch them any more.
                for life in self._lives.values():
                    life.cancel()
                await asyncio.wait(list(self._lives.values()))
            await asyncio.to_thread(self._line.close, "the worker was told to stop")
        if self._failure is not None:
            raise self._failure

    # In the loop

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
            return
        if self._jobs:
            logger.info("Stops when its %d runs have ended; once more to kill them now", len(self._jobs))
        self._stop.set()

    def _fail(self, error: AntiphonException) -> None:
        self._failure = error
        self._stop.set()

    def _take_in(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Offered):
                self._take(event)
            elif isinstance(event, Kill | Lost):
                job = self._jobs.get(event.claim)
                if job is not None:
                    job.kill(event.reason)
            elif isinstance(event, Settled):
                self._settled.set()
            elif isinstance(event, Welcomed):
                self._greet(event)

    def _greet(self, event: Welcomed) -> None:
        if self._lapse is not None:
            self._lapse.cancel()
        self._welcomed(event.welcome)
        self._expect_no_more()

    def _expect_no_more(self) -> None:
        if self._run_once and not self._stop.is_set():
            if self._once is not None:
                self._once.cancel()
            self._once = self._loop.call_later(ONCE_PATIENCE, self._nothing_came)

    def _nothing_came(self) -> None:
        if self._limit is None or len(self._jobs) < self._limit:
            self._stop.set()

    def _take(self, event: Offered) -> None:
        self._expect_no_more()
        try:
            flow_run = flow_run_from(event.offer.flow_run)
        except ValueError as error:
            logger.exception("A run that was offered cannot be read")
            self._line.exited(event.claim, "", -1, f"this worker cannot read the run, upgrade it: {error}")
            return
        job = Job(self._crew, event.claim, event.offer, flow_run, self._line)
        before = self._jobs.get(event.claim)
        self._jobs[event.claim] = job
        life = asyncio.ensure_future(job.live(self._lives.get(before) if before is not None else None))
        self._lives[job] = life
        life.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, life: "asyncio.Future[None]") -> None:
        del self._lives[job]
        if self._jobs.get(job.claim) is job:
            del self._jobs[job.claim]
            self._expect_no_more()
        if not life.cancelled() and (error := life.exception()) is not None:
            logger.error("Flow run %r was lost by a bug", job.flow_run.name, exc_info=error)
            self._line.exited(job.claim, "", -1, f"the worker failed by a bug: {type(error).__name__}: {error}")

    def _expect_lapse(self) -> None:
        """There is no stream now. Where none begins before the lease has run out, the server gives the claims to
        others."""
        if self._lapse is not None:
            self._lapse.cancel()
        left = self._line.seconds_to_lapse()
        if left:
            self._lapse = self._loop.call_later(left, self._expect_lapse)
        elif left is not None:
            self._let_go()

    def _let_go(self) -> None:
        """What has not claimed its run by now has lost it, or soon will. Where that is not known of anything, only the
        server can say so: its processes are kept from their runs by their fencing tokens."""
        if not self._crew.hears_of_claims:
            return
        for claim, job in list(self._jobs.items()):
            if not job.has_claimed:
                why = "the server could not be reached for longer than the lease, so others may have the run"
                self._line.give_back(claim, why)
                # Without a word: what it would say might still be taken, where the claim is offered here again.
                job.kill(why, grace=0)

    async def _finish(self) -> None:
        if self._failure is not None:
            self._let_go()
        await self._until_idle(self._hurry.wait())
        for job in self._jobs.values():
            job.kill("the worker ends")
        await self._until_idle()
        if self._failure is None and not await self._until_settled():
            logger.warning("The server has not heard of the last runs' ends; it finds them out when the lease is over")

    async def _until_idle(self, *others: Any) -> None:
        rest = [asyncio.ensure_future(other) for other in others]
        while self._lives and not any(each.done() for each in rest):
            await asyncio.wait([*self._lives.values(), *rest], return_when=asyncio.FIRST_COMPLETED)
        for each in rest:
            each.cancel()

    async def _unless_hurried(self, aside: "asyncio.Future[Any]") -> None:
        """Waits for what is done beside the last runs, which a second word to stop breaks off."""
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait([aside, hurry], return_when=asyncio.FIRST_COMPLETED)
            if aside.done():
                aside.result()
        finally:
            aside.cancel()
            hurry.cancel()

    async def _until_settled(self) -> bool:
        try:
            async with asyncio.timeout(_REPORTS_PATIENCE):
                while self._line.unsettled:
                    self._settled.clear()
                    if self._line.unsettled:
                        await self._settled.wait()
        except TimeoutError:
            return False
        return True

"""Queues for slots that one transaction did not look through to their end are gone on with in others, bit by bit."""

import asyncio
import logging
from functools import partial

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.leases import HandOn, QueuesForSlots
from antiphon_server.storage.waiting import Unserved

logger = logging.getLogger(__name__)

#: Seconds before a queue is gone on with that could not be, for want of disk space perhaps.
RETRY_AFTER = 1.0


class SlotQueues:
    """One transaction at a time for each queue. What a server that died left unserved, the next one finds by looking
    through all queues. Belongs to the event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        #: Limit -> what is to be looked at once the present round is over; None where nothing is.
        self._next: dict[str, Unserved | None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._stopped = False
        core.listen(self._on_changes)

    @property
    def busy(self) -> bool:
        """Whether any queue is being looked through."""
        return bool(self._next)

    async def restore(self) -> None:
        """Has all queues looked through."""
        for queue in await self._core.run(QueuesForSlots()):
            self._add(queue)

    def stop(self) -> None:
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()

    def _on_changes(self, changes: Changes) -> None:
        for queue in changes.unserved:
            self._add(queue)

    def _add(self, queue: Unserved) -> None:
        if queue.limit_id not in self._next:
            self._go_on(queue)
            return
        # Slots came free, or the limit was changed, behind the back of the present round: one more from the beginning.
        known = self._next[queue.limit_id]
        everyone = queue.everyone or (known is not None and known.everyone)
        self._next[queue.limit_id] = Unserved(queue.limit_id, None, everyone)

    def _go_on(self, queue: Unserved) -> None:
        self._timers.pop(queue.limit_id, None)
        self._next.setdefault(queue.limit_id, None)
        self._core.submit(HandOn(queue), partial(self._went, queue))

    def _went(self, queue: Unserved, answer: Unserved | Exception | None) -> None:
        if self._stopped:
            return
        if isinstance(answer, Exception):
            logger.warning("those who wait for slots could not be served, it is tried again: %s", answer)
            loop = asyncio.get_running_loop()
            self._timers[queue.limit_id] = loop.call_later(RETRY_AFTER, self._go_on, queue)
            return
        # To the end of this round first: it may be one for everyone.
        following = answer if answer is not None else self._next[queue.limit_id]
        if answer is None:
            del self._next[queue.limit_id]
        if following is not None:
            self._go_on(following)

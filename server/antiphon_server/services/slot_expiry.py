"""Slots that are free again by time alone are handed on at that time."""

import asyncio
import logging

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.deadlines import ReclaimSlots

logger = logging.getLogger(__name__)

#: Seconds: a timer is set for at most so long and then set anew, so that a clock that jumps strands nobody; and so long
#: after a round that failed.
LONGEST_TIMER, RETRY_AFTER = 60.0, 1.0


class SlotExpiry:
    """One timer, for the soonest expiry that is known. Belongs to the event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None
        core.listen(self._on_changes)

    def look(self) -> None:
        """Looks for what expired, or will, that this server was not told of."""
        self._reclaim()

    def clock_moved(self) -> None:
        """Sets the timer anew: the clock was put forward."""
        self._set(self._due)

    def stop(self) -> None:
        self._due = None
        if self._timer is not None:
            self._timer.cancel()

    def _on_changes(self, changes: Changes) -> None:
        if changes.slot_expiry is not None and (self._due is None or changes.slot_expiry < self._due):
            self._set(changes.slot_expiry)

    def _set(self, due: int | None) -> None:
        self.stop()
        self._due = due
        if due is not None:
            seconds = min(max((due - self._core.clock()) / 1e6, 0.0), LONGEST_TIMER)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._reclaim)

    def _reclaim(self) -> None:
        self._due = None
        self._core.submit(ReclaimSlots(), self._reclaimed)

    def _reclaimed(self, answer: int | Exception | None) -> None:
        if isinstance(answer, Exception):
            logger.warning("expired slots could not be handed on, the next round tries again: %s", answer)
            answer = self._core.clock() + round(RETRY_AFTER * 1e6)
        if answer is not None and (self._due is None or answer < self._due):
            self._set(answer)

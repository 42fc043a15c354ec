"""The commits of all servers of a database, each heard once and in their order.

What others committed before a transaction of this server is read with that, and heard before its answers are given:
who is answered by what another server did has been told of it. In between a notification says that there is something
to read, and where one is lost, a look every second does.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from antiphon_server.application.wakeups import woken
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.storage.change_words import changes_of
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.working_set import Changes

logger = logging.getLogger(__name__)

#: Commits that are read at once.
MOST = 500
#: Seconds between two looks where nothing was heard, and before another one after a look that failed.
INTERVAL = 1.0

Hear = Callable[[Changes], None]


class Feed:
    """Belongs to the event loop. `last` is the number of the last commit that was heard in order."""

    def __init__(self, reader: Reader, newest: int, lost: Callable[[], None]) -> None:
        """`newest` is the last commit that need not be heard. `lost` is called where commits were forgotten before they
        were heard here: this server has been away for too long and knows too little."""
        self._reader = reader
        self.last = newest
        self._lost = lost
        #: Of this server: number -> what it changed, not heard in order yet.
        self._own: dict[int, Changes] = {}
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()
        #: Called with each commit of another server, and with each commit in order.
        self.hear: Hear = _nobody
        self.follow: Hear = _nobody

    def note(self, changes: Changes) -> None:
        """A commit of this server."""
        if changes.number is None:
            return
        if changes.number == self.last + 1:
            self._advance(changes)
        elif changes.number > self.last:
            self._own[changes.number] = changes
            self._wake.set()

    def stir(self) -> None:
        """There may be something to read."""
        self._wake.set()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await woken(self._wake, INTERVAL)
            self._wake.clear()
            try:
                await self._read()
            except AntiphonError as error:
                logger.warning("what other servers did could not be read, it is tried again: %s", error)
                await asyncio.sleep(INTERVAL)
            except Exception:
                logger.exception("what other servers did could not be heard by a bug; it is tried again")
                await asyncio.sleep(INTERVAL)

    async def catch_up(self) -> None:
        """Returns once every commit made until now was heard in order. Raises what the reader does."""
        newest = await self._reader.newest_change()
        while self.last < newest:
            await self._read()

    async def between(self, number: int, until: int) -> list[Changes]:
        """The commits after `number` up to `until`, in order; where some are forgotten, those from the oldest that is
        not."""
        found: list[Changes] = []
        while number < until:
            rows = await self._reader.changes_since(number, MOST)
            found += [changes_of(body, each) for each, body in rows if each <= until]
            number = rows[-1][0] if rows else until
        return found

    async def _read(self) -> None:
        async with self._reading:
            while True:
                rows = await self._reader.changes_since(self.last, MOST)
                if rows and rows[0][0] > self.last + 1:
                    self._lost()
                    self.last = rows[0][0] - 1
                self.take(rows)
                if len(rows) < MOST:
                    return

    def take(self, rows: Sequence[tuple[int, str]]) -> None:
        """Commits as they were read, in order; those that were heard before are passed over."""
        for number, body in rows:
            if number != self.last + 1:
                continue
            own = self._own.pop(number, None)
            if own is not None:
                self._advance(own)
                continue
            changes = changes_of(body, number)
            # Of this server too, where it did not learn that its commit came through.
            self.hear(changes)
            self._advance(changes)

    def _advance(self, changes: Changes | None) -> None:
        while changes is not None:
            self.last += 1
            self.follow(changes)
            changes = self._own.pop(self.last + 1, None)


def _nobody(changes: Changes) -> None:
    """Hears nothing."""

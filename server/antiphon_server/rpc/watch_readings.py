"""What became of changed things, read once for all watchers that follow the same at the same pace."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from antiphon_server.application.core import Reader
from antiphon_server.domain.filter_tree import FilterNode
from antiphon_server.rpc.change_log import Change, ChangeLog
from antiphon_server.rpc.watch_feeds import Feed

#: Readings at the same time: most of the database's readers are left to others.
MOST_AT_ONCE = 2


class Wanted(NamedTuple):
    """What a watcher follows: a kind, and which of it. `filter` is the text of `condition`."""

    feed: Feed
    filter: str
    condition: FilterNode | None

    @property
    def key(self) -> tuple[str, str]:
        return self.feed.listing.method, self.filter


class Reading:
    """Some changes and, once they are read, what is to be told of each."""

    def __init__(self, changes: Sequence[Change], began: int) -> None:
        self.changes = changes
        #: Moments of `Readings`: of its beginning and, once it is done, of its end.
        self.began = began
        self.ended = began
        #: Of the first changes, as many as were looked at; None where the thing does not match or is gone.
        self.responses: list[Any | None] = []


class Readings:
    """Belongs to the event loop."""

    def __init__(self, reader: Reader, log: ChangeLog) -> None:
        self._reader = reader
        self._log = log
        self._latest: dict[tuple[str, str], tuple[Reading, asyncio.Task[None]]] = {}
        self._users: Counter[tuple[str, str]] = Counter()
        #: Goes up with each beginning and each end of a reading.
        self._moment = 0
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def moment(self) -> int:
        """Now, on the scale of `Reading.began`."""
        self._moment += 1
        return self._moment

    def enter(self, wanted: Wanted) -> None:
        """Somebody follows this from now on."""
        self._users[wanted.key] += 1

    def leave(self, wanted: Wanted) -> None:
        """And does so no more."""
        self._users[wanted.key] -= 1
        if not self._users[wanted.key]:
            del self._users[wanted.key]
            self._latest.pop(wanted.key, None)

    async def read(self, wanted: Wanted, changes: Sequence[Change], after: int) -> Reading:
        """What became of the first of some changes, at least one, read no earlier than at the moment `after`: who was
        told newer content must not be told older."""
        latest = self._latest.get(wanted.key)
        if latest is None or latest[0].began < after or latest[0].changes != changes or _has_failed(latest[1]):
            reading = Reading(changes, self.moment())
            latest = self._latest[wanted.key] = reading, asyncio.ensure_future(self._fill(wanted, reading))
        reading, filling = latest
        # Who leaves takes it from nobody else.
        await asyncio.shield(filling)
        return reading

    async def _fill(self, wanted: Wanted, reading: Reading) -> None:
        feed = wanted.feed
        ids = [change.id for change in reading.changes]
        async with self._room:
            rows, looked_at = await self._reader.matching(feed.listing.source, wanted.condition, ids)
            messages = dict(zip(rows, await feed.messages(list(rows.values())), strict=True))
        for change in reading.changes[:looked_at]:
            message, response = messages.get(change.id), None
            if message is not None:
                response = feed.response(**{feed.field: message}, cursor=self._log.cursor(change.number))
            reading.responses.append(response)
        reading.ended = self.moment()


def _has_failed(filling: asyncio.Task[None]) -> bool:
    return filling.done() and filling.exception() is not None

"""One stream of WatchService: a snapshot, a mark, then every change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from antiphon.v1 import flow_run_service_pb2
from antiphon_server.application import listings
from antiphon_server.application.core import Core, Reader
from antiphon_server.application.queries import PageRequest, Queries
from antiphon_server.domain.errors import ResourceExhausted
from antiphon_server.domain.filter_tree import demanded
from antiphon_server.domain.filters import parse_filter
from antiphon_server.rpc.change_log import Change, ChangeLog, Follower, Watched
from antiphon_server.rpc.watch_feeds import Feed
from antiphon_server.rpc.watch_readings import Readings, Wanted

#: Of one server.
MOST_WATCHES = 500
#: Changed things that are read at once.
MOST_READ = 100
#: Rows of a page of a snapshot.
SNAPSHOT_PAGE = 200
#: Ids that a stream is known to have told; of more than these it is not known which.
MOST_KNOWN = 2_000
#: Seconds between two looks of one watcher at changes, at least, for each so many watches: what many do in a short time
#: is told together. All watchers look at the same moments, so that they share what is read.
PACE, WATCHES_A_PACE = 0.025, 25
#: Messages a second, of all watches together, and those of how many seconds may come at once: their turns leave the
#: event loop room for those who run things, whoever watches.
TURNS_PER_SECOND, BURST = 5_000, 0.05
#: Seconds without a message after which a watcher gets a new cursor.
QUIET = 15.0

Send = Callable[[Any], Awaitable[None]]


class WatchRequest(Protocol):
    """What requests to watch have in common."""

    filter: str
    resume_cursor: str
    skip_snapshot: bool


class WatchStreams:
    """Those of one server. Belongs to the event loop."""

    def __init__(self, core: Core, reader: Reader, queries: Queries, log: ChangeLog) -> None:
        self.core = core
        self._reader = reader
        self.queries = queries
        self.log = log
        self.readings = Readings(reader, log)
        self.turns = _Turns()
        self._watches = 0
        self._learning = asyncio.Lock()
        self._workers_known = False

    async def follow(self, feed: Feed, request: WatchRequest, send: Send, newest: int = 0) -> None:
        """Sends until the caller leaves. `newest`: how many things there are in a snapshot at most; 0 is all.

        Raises InvalidArgument: FILTER_INVALID, CURSOR_INVALID; OutOfRange (CURSOR_TOO_OLD), Unavailable
        (SERVER_STOPPING), ResourceExhausted (WATCHES_TOO_MANY).
        """
        wanted = Wanted(feed, request.filter, parse_filter(request.filter, feed.listing.filters))
        column = feed.flow_run_column
        flow_run_id = demanded(wanted.condition, column) if column else None
        with self._place(), self.log.followed([feed.kind], flow_run_id) as follower:
            if feed.kind is Watched.WORKER:
                await self._learn_workers()
            self.readings.enter(wanted)
            try:
                await _Stream(self, wanted, follower, send).run(request, newest)
            finally:
                self.readings.leave(wanted)

    async def next_look(self) -> None:
        """Until changes are looked at again."""
        pace = PACE * (1 + self._watches // WATCHES_A_PACE)
        await asyncio.sleep(pace - asyncio.get_running_loop().time() % pace)

    @contextmanager
    def _place(self) -> Any:
        if self._watches >= MOST_WATCHES:
            raise ResourceExhausted(
                "WATCHES_TOO_MANY",
                f"this server serves {MOST_WATCHES} watches already; end some, or use the List methods",
            )
        self._watches += 1
        try:
            yield
        finally:
            self._watches -= 1

    async def _learn_workers(self) -> None:
        """The end of a session tells which worker went only to who knows whose it was."""
        async with self._learning:
            if not self._workers_known:
                for row in await self._reader.belonging(listings.WORKERS.source, "online", (True,)):
                    self.log.worker_sessions.setdefault(row.session_id, row.id)
                self._workers_known = True


class _Turns:
    """When who sends."""

    def __init__(self) -> None:
        #: Until when turns are taken, by the loop's clock.
        self._taken = 0.0

    async def wait(self, messages: int) -> None:
        """Until it is the turn of so many messages."""
        now = asyncio.get_running_loop().time()
        begin = max(self._taken, now - BURST)
        self._taken = begin + messages / TURNS_PER_SECOND
        if begin > now:
            await asyncio.sleep(begin - now)


class _Stream:
    """One call's."""

    def __init__(self, streams: WatchStreams, wanted: Wanted, follower: Follower, send: Send) -> None:
        self._streams = streams
        self._log = streams.log
        self._wanted = wanted
        self._feed = wanted.feed
        self._follower = follower
        self._send = send
        #: The number until where all was told.
        self._told = self._log.number
        #: When what was told last was read; see `Readings.read`.
        self._read = 0
        #: The ids that the client knows; None where that is not known.
        self._known: set[str] | None = set()

    async def run(self, request: WatchRequest, newest: int) -> None:
        if request.resume_cursor:
            self._known = None
            self._told = await self._log.parse(request.resume_cursor, [self._feed.kind])
            self._follower.start_after(self._told)
        else:
            if not request.skip_snapshot:
                await self._snapshot(newest)
            mark = flow_run_service_pb2.SnapshotMark()
            await self._send(self._feed.response(snapshot_mark=mark, cursor=self._log.cursor(self._told)))
        while True:
            number, changes = await self._follower.next(QUIET)
            if changes:
                await self._tell(_each_once(changes))
                await self._streams.next_look()
            elif number != self._told:
                self._told = number
                await self._send(self._feed.response(cursor=self._log.cursor(number)))

    async def _snapshot(self, newest: int) -> None:
        listing, filter = self._feed.listing, self._wanted.filter
        token = await self._streams.queries.token_of_newest(listing, filter, newest) if newest else ""
        async for rows in self._pages(token):
            await self._streams.turns.wait(len(rows))
            for row, message in zip(rows, await self._feed.messages(rows), strict=True):
                self._knows(row.id)
                await self._send(self._feed.response(**{self._feed.field: message}))
        self._read = self._streams.readings.moment()

    async def _pages(self, token: str) -> AsyncIterator[list[Any]]:
        while True:
            asked = PageRequest(SNAPSHOT_PAGE, token, self._wanted.filter, "create_time")
            page = await self._streams.queries.page(self._feed.listing, asked)
            yield await self._not_to_come(page.rows) if self._feed.once else list(page.rows)
            token = page.next_page_token
            if not token:
                return

    async def _not_to_come(self, rows: Sequence[Any]) -> list[Any]:
        """Without those that will be told as changes, since each is told once."""
        # Readers may see a commit before the log has heard of it.
        await self._streams.core.settle()
        changes = self._log.since(self._told, [self._feed.kind], self._follower.flow_run_id)
        to_come = {change.id for change in changes}
        return [row for row in rows if row.id not in to_come]

    async def _tell(self, changes: Sequence[Change]) -> None:
        while changes:
            reading = await self._streams.readings.read(self._wanted, changes[:MOST_READ], self._read)
            self._read = reading.ended
            await self._streams.turns.wait(sum(response is not None for response in reading.responses))
            for change, response in zip(reading.changes, reading.responses, strict=False):
                if response is not None:
                    self._knows(change.id)
                    await self._send(response)
                elif self._is_gone(change.id):
                    await self._send(self._feed.response(gone_id=change.id, cursor=self._log.cursor(change.number)))
                self._told = change.number
            changes = changes[len(reading.responses) :]

    def _knows(self, id: str) -> None:
        if self._known is not None and self._wanted.condition is not None and not self._feed.once:
            self._known.add(id)
            if len(self._known) > MOST_KNOWN:
                self._known = None

    def _is_gone(self, id: str) -> bool:
        """Whether the client may know one that is not there, or does not match."""
        if self._feed.once:
            return False
        if self._known is None or self._wanted.condition is None:
            return True
        known = id in self._known
        self._known.discard(id)
        return known


def _each_once(changes: Sequence[Change]) -> list[Change]:
    """The last change of each thing, in order."""
    last = {change.id: change for change in changes}
    return sorted(last.values())

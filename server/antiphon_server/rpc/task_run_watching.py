"""WatchTaskRuns: who waits for task runs is told once, when they have ended. Runs are read when a commit ended them,
never to see whether one has."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from antiphon.v1 import task_run_service_pb2 as pb
from antiphon_server.application.core import Changes
from antiphon_server.application.queries import Queries
from antiphon_server.domain.errors import AntiphonError, Internal, ResourceExhausted, Unavailable
from antiphon_server.domain.states import TERMINAL
from antiphon_server.rpc.read_conversions import task_run_message

Send = Callable[[pb.WatchTaskRunsResponse], Awaitable[None]]

#: Runs that one stream may watch at a time.
MAX_WATCHED = 100_000
#: And all streams together.
MAX_WATCHED_BY_ALL = 500_000
#: Runs that are read at once.
MOST_READ = 100
#: Microseconds after which it is worth a try again where too many are watched.
RETRY_AFTER = 5_000_000
#: Of one message, unless its first run alone is larger.
MAX_MESSAGE_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)


class TaskRunWatches:
    """Serves WatchTaskRuns. Belongs to the event loop."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        #: Run -> those who wait for its end.
        self._waiting: dict[str, set[_Watch]] = {}
        self._watches: set[_Watch] = set()
        #: Ids over all watches.
        self._watched = 0
        self._closed = False

    def note(self, changes: Changes) -> None:
        """A listener for the core."""
        for run_id in changes.ended_runs:
            for watch in self._waiting.get(run_id, ()):
                watch.look_at(run_id)

    def close(self) -> None:
        """Ends every watch: no change will come any more."""
        self._closed = True
        for watch in self._watches:
            watch.wake.set()

    async def follow(self, requests: AsyncIterator[pb.WatchTaskRunsRequest], send: Send) -> None:
        """Sends until the client has no more ids and all were answered."""
        watch = _Watch()
        self._watches.add(watch)
        reading = asyncio.ensure_future(self._read(watch, requests))
        try:
            await self._follow(watch, send)
        finally:
            reading.cancel()
            self._watches.discard(watch)
            for run_id in list(watch.open):
                self._forget(watch, run_id)

    async def _read(self, watch: "_Watch", requests: AsyncIterator[pb.WatchTaskRunsRequest]) -> None:
        try:
            async for request in requests:
                for id in request.ids:
                    run_id = id.lower()
                    self._watched += run_id not in watch.open
                    watch.open.add(run_id)
                    self._waiting.setdefault(run_id, set()).add(watch)
                    # It may have ended before.
                    watch.look_at(run_id)
                if len(watch.open) > MAX_WATCHED:
                    raise ResourceExhausted(
                        "TOO_MANY_WATCHED", f"more than {MAX_WATCHED:,} task runs on one stream; open another one"
                    )
                if self._watched > MAX_WATCHED_BY_ALL:
                    raise Unavailable(
                        "SERVER_BUSY",
                        f"more than {MAX_WATCHED_BY_ALL:,} task runs are watched on this server; try again later",
                        retry_after=RETRY_AFTER,
                    )
        except AntiphonError as error:
            watch.error = error
        except Exception:
            logger.exception("a request to watch task runs could not be read")
            watch.error = Internal("INTERNAL", "a request could not be read by a bug of the server; see its log")
        watch.complete = True
        watch.wake.set()

    async def _follow(self, watch: "_Watch", send: Send) -> None:
        while True:
            if watch.error is not None:
                raise watch.error
            if self._closed:
                raise Unavailable(
                    "SERVER_STOPPING", "the server is stopping; watch again on the next one", retry_after=0
                )
            if watch.complete and not watch.open:
                return
            run_ids = watch.next_to_read()
            if run_ids:
                await self._answer(watch, run_ids, send)
            else:
                watch.wake.clear()
                await watch.wake.wait()

    async def _answer(self, watch: "_Watch", run_ids: list[str], send: Send) -> None:
        rows = await self._queries.task_runs(run_ids)
        message, size = pb.WatchTaskRunsResponse(), 0
        for run_id in run_ids:
            row = rows.get(run_id)
            if row is None:
                message.unknown_ids.append(run_id)
            elif row.state_type in TERMINAL:
                run = task_run_message(row)
                message.task_runs.append(run)
                size += run.ByteSize()
            else:
                continue
            self._forget(watch, run_id)
            if size >= MAX_MESSAGE_BYTES:
                await send(message)
                message, size = pb.WatchTaskRunsResponse(), 0
        if message.task_runs or message.unknown_ids:
            await send(message)

    def _forget(self, watch: "_Watch", run_id: str) -> None:
        if run_id in watch.open:
            watch.open.discard(run_id)
            self._watched -= 1
        watchers = self._waiting.get(run_id, set())
        watchers.discard(watch)
        if not watchers:
            self._waiting.pop(run_id, None)


class _Watch:
    """One stream's."""

    def __init__(self) -> None:
        #: Runs that were not answered.
        self.open: set[str] = set()
        #: The client has no more ids.
        self.complete = False
        self.error: AntiphonError | None = None
        self.wake = asyncio.Event()
        #: Those that may have ended, in the order in which that was heard.
        self._to_read: dict[str, None] = {}

    def look_at(self, run_id: str) -> None:
        self._to_read[run_id] = None
        self.wake.set()

    def next_to_read(self) -> list[str]:
        run_ids = list(self._to_read)[:MOST_READ] if len(self._to_read) > MOST_READ else list(self._to_read)
        for run_id in run_ids:
            del self._to_read[run_id]
        return run_ids

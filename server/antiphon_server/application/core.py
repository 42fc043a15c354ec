"""The server without its wire: operations in, answers out, and word of what changed."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sqlalchemy import Engine

from antiphon_server.application.feed import Feed
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.working_set import Changes, Needs, WorkingSet
from antiphon_server.storage.writer import Done, Operation, Others, Outcome, Writer

#: What the wire needs of the storage comes through here.
__all__ = ["Changes", "Core", "Needs", "Operation", "Outcome", "Reader", "WorkingSet", "settle"]

logger = logging.getLogger(__name__)


class _Nothing:
    """An operation that waits for its turn."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None: ...


class Core:
    """Runs operations on the writer from one event loop. Make and use it inside that loop."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], int],
        *,
        server_id: str = "",
        others: Others | None = None,
    ) -> None:
        """`others` are the servers that share the database, see `Writer`."""
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(engine, clock, self._deliver, hand_over_freed, server_id=server_id, others=others)
        self._feed: Feed | None = None
        self._listeners: list[Callable[[Changes], None]] = []
        self._followers: list[Callable[[Changes], None]] = []
        self._closers: list[Callable[[], None]] = []
        self._observers: list[Callable[[Outcome], None]] = []
        self._timekeepers: list[Callable[[], None]] = []
        self.clock = clock

    def start(self) -> None:
        self._writer.start()

    def listen(self, listener: Callable[[Changes], None]) -> None:
        """Has `listener` called in the loop after each commit, before the answers of that commit are given; and after
        each of another server's, as soon as it is known."""
        self._listeners.append(listener)

    def follow(self, follower: Callable[[Changes], None]) -> None:
        """Has `follower` called in the loop with every commit, in the order of all servers."""
        self._followers.append(follower)

    def share(self, feed: Feed) -> None:
        """There may be other servers, of which `feed` tells."""
        self._feed = feed
        feed.hear = partial(_tell_all, self._listeners)
        feed.follow = partial(_tell_all, self._followers)

    def observe(self, observer: Callable[[Outcome], None]) -> None:
        """Has `observer` called in the loop after the answers of each commit were given, with all that was decided."""
        self._observers.append(observer)
        self._writer.counting = True

    def at_clock_move(self, timekeeper: Callable[[], None]) -> None:
        """Has `timekeeper` called in the loop after the clock was put forward, so that no timer of it is late."""
        self._timekeepers.append(timekeeper)

    def clock_moved(self) -> None:
        """The clock was put forward."""
        for timekeeper in self._timekeepers:
            timekeeper()

    def at_stop(self, closer: Callable[[], None]) -> None:
        """Has `closer` called in the loop once no commit will come any more."""
        self._closers.append(closer)

    async def run(self, operation: Operation, *, bulk: bool = False, owner: str = "", weight: int = 1) -> Any:
        """The operation's answer once it is durable; raises what it raised. What has the same owner, a session or
        nobody, is done in the order of asking; between owners it is shared out fairly, by weight."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._writer.submit(operation, partial(settle, future), bulk=bulk, owner=owner, weight=weight)
        return await future

    def submit(self, operation: Operation, done: Done, *, bulk: bool = False, owner: str = "", weight: int = 1) -> None:
        """The same with a callback, which gets the answer or the exception, in the loop."""
        self._writer.submit(operation, done, bulk=bulk, owner=owner, weight=weight)

    @property
    def faults(self) -> int:
        """How many transactions could not be written, by the disk's fault. What they would have said was not heard."""
        return self._writer.faults

    @property
    def queued(self) -> tuple[int, int]:
        """How many operations wait for their transaction, and how many bulk ones."""
        return self._writer.queued

    def owners(self) -> frozenset[str]:
        """The sessions whose operations wait for their transaction."""
        return self._writer.owners()

    async def settle(self) -> None:
        """Returns once the followers have heard of every commit made until now."""
        await self.run(_Nothing())
        if self._feed is not None:
            await self._feed.catch_up()

    async def stop(self) -> None:
        """Commits what is queued. Operations that come later are answered with Unavailable."""
        await asyncio.to_thread(self._writer.stop)
        for closer in self._closers:
            closer()

    def _deliver(self, outcome: Outcome) -> None:
        self._loop.call_soon_threadsafe(self._hand_out, outcome)

    def _hand_out(self, outcome: Outcome) -> None:
        if self._feed is not None:
            self._feed.take(outcome.others)
        if outcome.changes is not None:
            _tell_all(self._listeners, outcome.changes)
            if self._feed is not None:
                self._feed.note(outcome.changes)
            else:
                _tell_all(self._followers, outcome.changes)
        elif self._feed is not None:
            # It may have come through all the same, where only its answer was lost.
            self._feed.stir()
        for done, answer in outcome.answers:
            _tell(done, answer)
        if outcome.changes is not None:
            for observer in self._observers:
                _tell(observer, outcome)


def _tell_all(hearers: Iterable[Callable[[Changes], None]], changes: Changes) -> None:
    for hearer in hearers:
        _tell(hearer, changes)


def _tell(hearer: Callable[[Any], None], word: Any) -> None:
    try:
        hearer(word)
    except Exception:  # What is committed is heard of by all others.
        logger.exception("a commit could not be told to %s", hearer)


def settle(future: asyncio.Future[Any], answer: Any) -> None:
    """Gives an operation's answer, or the exception that it raised, to who awaits it."""
    if future.done():  # the caller went away
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)

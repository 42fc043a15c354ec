"""The newest changes in this process, numbered, for who follows what is stored.

Changes are remembered as names of things, not as their content: a watcher reads what it is told about. So a slow one
skips what was overtaken, and one that does not read at all costs no memory.
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple, Protocol

from antiphon_server.application.core import Changes
from antiphon_server.application.wakeups import woken
from antiphon_server.domain.errors import InvalidArgument, OutOfRange, Unavailable
from antiphon_server.domain.model import RunKind


class Watched(Enum):
    """What changes are remembered of, and how many of them: a flood of one kind pushes no other out."""

    FLOW_RUN = "flow run", 10_000
    TASK_RUN = "task run", 10_000
    LOG = "log", 50_000
    DEPLOYMENT = "deployment", 10_000
    WORKER = "worker", 10_000

    def __init__(self, noun: str, remembered: int) -> None:
        self.noun = noun
        self.remembered = remembered


#: Changes of one commit are told apart by so many bits of their numbers, behind that of the commit.
_IN_COMMIT = 20

_OF_RUN = {RunKind.FLOW_RUN: Watched.FLOW_RUN, RunKind.TASK_RUN: Watched.TASK_RUN}


class History(Protocol):
    """What all servers of a database committed."""

    async def catch_up(self) -> None:
        """Returns once every commit made until now is noted."""
        ...

    async def between(self, number: int, until: int) -> list[Changes]:
        """The commits after `number` up to `until`, as far as they are remembered."""
        ...


class Change(NamedTuple):
    """That something was created, changed or deleted."""

    number: int
    kind: Watched
    id: str
    #: The flow run around it, or itself; None where there is none.
    flow_run_id: str | None


class ChangeLog:
    """What happened to things of a kind since somebody first asked for that kind: until then nothing is kept.

    Numbers are shared by all kinds. A cursor names the process too, where they start anew with it; where servers share
    the database, they follow from the numbers of commits, and a cursor names the database.
    """

    def __init__(self) -> None:
        self._number = 0
        self._origin = os.urandom(6).hex()
        #: Where servers share the database.
        self._history: History | None = None
        self._kept: dict[Watched, _Kept] = {}
        self._followers: set[Follower] = set()
        #: Active session -> the worker that it is of; known from when on workers are followed.
        self.worker_sessions: dict[str, str] = {}
        self._taken: tuple[tuple[int, int, Sequence[Watched]], list[Change]] | None = None
        self.closed = False

    def share(self, origin: str, newest: int, history: History) -> None:
        """Servers share the database `origin`, whose last commit is `newest`."""
        self._origin, self._history = origin, history
        self._number = newest << _IN_COMMIT

    def note(self, changes: Changes) -> None:
        """A follower for the core."""
        if changes.number is not None:
            self._number = changes.number << _IN_COMMIT
        elif not self._kept:
            return
        for (kind, run_id), flow_run_id in changes.runs.items():
            self._add(_OF_RUN[kind], run_id, flow_run_id)
        for log_id, flow_run_id in changes.logs:
            self._add(Watched.LOG, log_id, flow_run_id)
        for deployment_id in changes.deployments:
            self._add(Watched.DEPLOYMENT, deployment_id, None)
        if Watched.WORKER in self._kept:
            self._note_workers(changes)
        for kept in self._kept.values():
            kept.tell_all()

    def _note_workers(self, changes: Changes) -> None:
        for worker_id, session_id in changes.workers.items():
            if session_id is not None:
                self.worker_sessions[session_id] = worker_id
            self._add(Watched.WORKER, worker_id, None)
        for session_id in changes.ended_sessions:
            left = self.worker_sessions.pop(session_id, None)
            if left is not None:
                self._add(Watched.WORKER, left, None)

    def _add(self, kind: Watched, id: str, flow_run_id: str | None) -> None:
        kept = self._kept.get(kind)
        if kept is None and self._history is None:
            return
        # Every server gives the same numbers, also one at which nobody follows the kind.
        self._number += 1
        if kept is not None:
            kept.add(Change(self._number, kind, id, flow_run_id))

    @property
    def watches(self) -> int:
        """How many follow it now."""
        return len(self._followers)

    @property
    def number(self) -> int:
        """Of the newest change."""
        return self._number

    def cursor(self, number: int) -> str:
        return f"{self._origin}:{number}"

    async def parse(self, cursor: str, kinds: Sequence[Watched]) -> int:
        """The number in a cursor, which every commit made until now has come to; raises OutOfRange (CURSOR_TOO_OLD)
        where changes since are not remembered."""
        origin, _, text = cursor.partition(":")
        if not text.isdecimal():
            raise InvalidArgument("CURSOR_INVALID", f"{cursor!r} is no cursor of this service", field="resume_cursor")
        number = int(text)
        if origin == self._origin and self._history is not None:
            if number > self._number:  # Another server was ahead of this one.
                await self._history.catch_up()
            await self._recall(number, kinds, self._history)
        known = origin == self._origin and number <= self._number
        if not known or any(number < kept.forgotten for kept in self._keep(kinds)):
            raise OutOfRange("CURSOR_TOO_OLD", "changes since this cursor are not remembered; watch without a cursor")
        return number

    async def _recall(self, number: int, kinds: Sequence[Watched], history: History) -> None:
        """Brings back what happened since a number, before this server kept changes of some kinds."""
        recent = [kept for kept in self._keep(kinds) if number < kept.forgotten]
        if not recent:
            return
        commit, until = number >> _IN_COMMIT, max(kept.forgotten for kept in recent) >> _IN_COMMIT
        found = await history.between(commit - 1, until)
        if not found or found[0].number not in (commit, commit + 1):
            return
        past = ChangeLog()
        past._history = history
        past.worker_sessions = dict(self.worker_sessions)
        list(past._keep(kinds))
        for changes in found:
            past.note(changes)
        for kind in kinds:
            self._kept[kind].prepend(past._kept[kind], number)

    def since(self, number: int, kinds: Iterable[Watched], flow_run_id: str | None = None) -> list[Change]:
        """The changes of some kinds after `number`, in order; with `flow_run_id` those of that run.

        Raises OutOfRange (CURSOR_TOO_OLD) where some are forgotten.
        """
        found: list[Change] = []
        for kept in self._keep(kinds):
            if number < kept.forgotten:
                raise OutOfRange("CURSOR_TOO_OLD", "this watcher fell too far behind; watch without a cursor")
            found += kept.since(number, flow_run_id)
        found.sort()
        return found

    def taken(self, number: int, kinds: Sequence[Watched], flow_run_id: str | None) -> Sequence[Change]:
        """The same as `since`, found once for followers that are equally far."""
        if flow_run_id is not None:
            return self.since(number, kinds, flow_run_id)
        asked = (number, self._number, kinds)
        if self._taken is None or self._taken[0] != asked:
            self._taken = asked, self.since(number, kinds)
        return self._taken[1]

    def _keep(self, kinds: Iterable[Watched]) -> Iterator["_Kept"]:
        """What is kept of some kinds, from now on where nothing was."""
        for kind in kinds:
            if kind not in self._kept:
                self._kept[kind] = _Kept(self._number, kind.remembered)
            yield self._kept[kind]

    @contextmanager
    def followed(self, kinds: Sequence[Watched], flow_run_id: str | None = None) -> "Iterator[Follower]":
        """Follows kinds from now on; with `flow_run_id` only what concerns that run."""
        follower = Follower(self, tuple(kinds), flow_run_id)
        kept = list(self._keep(kinds))
        self._followers.add(follower)
        for each in kept:
            each.add_follower(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            for each in kept:
                each.remove_follower(follower)

    def close(self) -> None:
        """Ends every watch: no change will come any more."""
        self.closed = True
        for follower in self._followers:
            follower.event.set()


class Follower:
    """How far one watcher has heard of some kinds."""

    def __init__(self, log: ChangeLog, kinds: Sequence[Watched], flow_run_id: str | None) -> None:
        self._log = log
        self._kinds = kinds
        self.flow_run_id = flow_run_id
        self.event = asyncio.Event()
        #: The number before the first change that concerns it and was not taken; None where there is none.
        self._behind: int | None = None

    def start_after(self, number: int) -> None:
        """Take what came after `number` too."""
        self.heard(number)

    def heard(self, number: int) -> None:
        """Something that concerns it came after `number`."""
        if self._behind is None or number < self._behind:
            self._behind = number
            self.event.set()

    async def next(self, patience: float | None = None) -> tuple[int, Sequence[Change]]:
        """Waits for changes: gives all that were not taken, in order, and the number up to which there are no others.
        None come by the end of `patience` seconds.

        Raises OutOfRange (CURSOR_TOO_OLD) where some are forgotten, Unavailable once the log is closed.
        """
        while True:
            if self._behind is not None:
                behind, self._behind = self._behind, None
                found = self._log.taken(behind, self._kinds, self.flow_run_id)
                if found:
                    return self._log.number, found
            if self._log.closed:
                raise Unavailable("SERVER_STOPPING", "the server is stopping; watch again on the next one")
            self.event.clear()
            if not await woken(self.event, patience):
                return self._log.number, []


class _Kept:
    """What is remembered of one kind, and who follows it."""

    def __init__(self, number: int, most: int) -> None:
        self._changes: deque[Change] = deque(maxlen=most)
        #: Changes up to this number are not here.
        self.forgotten = number
        self._of_all: set[Follower] = set()
        self._of_run: dict[str, set[Follower]] = {}
        #: The number before the first change that not all were told of.
        self._untold: int | None = None

    def add(self, change: Change) -> None:
        if len(self._changes) == self._changes.maxlen:
            self.forgotten = self._changes[0].number
        self._changes.append(change)
        if self._untold is None:
            self._untold = change.number - 1
        if change.flow_run_id is not None:
            for follower in self._of_run.get(change.flow_run_id, ()):
                follower.heard(change.number - 1)

    def tell_all(self) -> None:
        """Has those who follow all of the kind hear of what was added."""
        if self._untold is not None:
            for follower in self._of_all:
                follower.heard(self._untold)
            self._untold = None

    def since(self, number: int, flow_run_id: str | None) -> list[Change]:
        found = []
        for change in reversed(self._changes):
            if change.number <= number:
                break
            if flow_run_id is None or change.flow_run_id == flow_run_id:
                found.append(change)
        return found

    def prepend(self, past: "_Kept", number: int) -> None:
        """Takes over what is missing here of what came after `number`."""
        room = (self._changes.maxlen or 0) - len(self._changes)
        missing = [change for change in past._changes if number < change.number <= self.forgotten]
        if number < self.forgotten and len(missing) <= room and past.forgotten <= number:
            self._changes.extendleft(reversed(missing))
            self.forgotten = number

    def add_follower(self, follower: Follower) -> None:
        if follower.flow_run_id is None:
            self._of_all.add(follower)
        else:
            self._of_run.setdefault(follower.flow_run_id, set()).add(follower)

    def remove_follower(self, follower: Follower) -> None:
        if follower.flow_run_id is None:
            self._of_all.discard(follower)
            return
        followers = self._of_run[follower.flow_run_id]
        followers.discard(follower)
        if not followers:
            del self._of_run[follower.flow_run_id]

"""What always holds of slots and of those who wait for them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from antiphon_server.domain.model import RunKind
from antiphon_server.domain.rules.retry_failed import AWAITING_RETRY
from antiphon_server.domain.slots import FLOW_RUN_KEEPS, TASK_RUN_KEEPS
from antiphon_server.domain.states import TERMINAL
from antiphon_server.storage.slot_book import SlotBook
from antiphon_server.storage.waiting import Waiting
from antiphon_server.storage.working_set import WorkingSet
from antiphon_server.storage.writer import Operation
from simulation.asking import ChangeLimit
from simulation.events import FLOW_RUN
from simulation.violations import Violation

_KEEPS = {RunKind.FLOW_RUN: frozenset(FLOW_RUN_KEEPS), RunKind.TASK_RUN: frozenset(TASK_RUN_KEEPS)}


class SlotsCheck:
    """`runs` are rows as they were last seen."""

    def __init__(self, cursor: Any, runs: Mapping[str, dict[str, Any]]) -> None:
        self._cursor = cursor
        self._runs = runs
        self.working_set: WorkingSet | None = None
        #: limit id -> (name, slots that may be taken), and slots taken, as last committed.
        self._limits: dict[str, tuple[str, int]] = {}
        self._taken: dict[str, int] = {}
        #: Who stood in the queues when it left them in the transaction at hand: run -> place.
        self._left: dict[str, tuple[int, int]] = {}
        #: Runs whose slots went with their limit: their rows still say that they hold some.
        self._bereft: set[str] = set()
        #: Runs whose rows say that they hold some.
        self._said: set[str] = set()
        self._limits_went = False
        #: name -> the most that it was set to in the transaction at hand.
        self._set: dict[str, int] = {}

    def begin(self, operations: Sequence[Operation]) -> None:
        self._set = {}
        self._left.clear()
        self._limits_went = any(isinstance(each, ChangeLimit) and each.slots is None for each in operations)
        for change in operations:
            if isinstance(change, ChangeLimit) and change.slots is not None:
                self._set[change.name] = max(self._set.get(change.name, 0), change.slots)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While it lasts each slot that is taken is checked against the queue, in the middle of its transaction."""
        take, leave = SlotBook.take, Waiting.leave

        def watched(book: SlotBook, holder_id: str, limit_ids: Iterable[str], **more: Any) -> None:
            wanted = tuple(limit_ids)
            self._check_turn(holder_id, wanted)
            take(book, holder_id, wanted, **more)

        def left(waiting: Waiting, waiter_id: str) -> None:
            query = "SELECT run_id, rank, position FROM slot_waiters WHERE waiter_id = ?"
            for run, *place in self._cursor.execute(query, (waiter_id,)).fetchall():
                self._left[run] = min(self._left.get(run, (place[0], place[1])), (place[0], place[1]))
            leave(waiting, waiter_id)

        SlotBook.take, Waiting.leave = watched, left  # type: ignore[method-assign]
        try:
            yield
        finally:
            SlotBook.take, Waiting.leave = take, leave  # type: ignore[method-assign]

    def _check_turn(self, holder: str, limit_ids: Sequence[str]) -> None:
        """Nobody goes before one who waits for these slots, or some of them, with more right to them."""
        if not limit_ids:
            return
        columns = "waiter_id, run_kind, run_id, rank, position, limit_id"
        inner = f"SELECT waiter_id FROM slot_waiters WHERE limit_id IN ({', '.join('?' * len(limit_ids))})"
        query = f"SELECT {columns} FROM slot_waiters WHERE waiter_id IN ({inner})"
        queue: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        for row in self._cursor.execute(query, tuple(limit_ids)).fetchall():
            queue[row[:5]].add(row[5])
        mine = [(rank, place) for (_, _, run, rank, place) in queue if run == holder]
        mine += [self._left[holder]] if holder in self._left else []
        for (waiter, kind, run, rank, place), wanted in queue.items():
            if run == holder or not wanted <= set(limit_ids) or self._is_stale(waiter, RunKind(kind), run):
                continue
            if not mine or (rank, place) < min(mine):
                names = self._named(limit_ids)
                message = f"{holder} takes {names} before {waiter} of {run}, who waits for no more than that"
                raise Violation("waiters are served in order", message, holder, run, *names)

    def _is_stale(self, waiter: str, kind: RunKind, run_id: str) -> bool:
        """Whether it waits only until somebody finds that there is nothing left to wait for."""
        assert self.working_set is not None
        self.working_set.load_runs(kind, {run_id})
        run = self.working_set.run(kind, run_id)
        if run is None or run.state_type in TERMINAL:
            return True
        return self.working_set.fetch_transition(waiter) is not None

    def _named(self, limit_ids: Iterable[str]) -> list[str]:
        return [self._limits[id][0] if id in self._limits else id for id in limit_ids]

    def is_limited(self, name: str) -> bool:
        """Whether one and the same limit was there before and after the transaction at hand."""
        after = self._read_limits()
        return any(each == name and id in after for id, (each, _) in self._limits.items())

    def committed(self) -> None:
        limits = self._read_limits()
        rows = self._cursor.execute("SELECT limit_id, holder_id, count, expire_time FROM slots").fetchall()
        taken: dict[str, int] = defaultdict(int)
        for limit_id, holder, count, expire_time in rows:
            taken[limit_id] += count
            self._check_holder(holder, expire_time)
        for limit_id, count in taken.items():
            name, before = self._limits.get(limit_id) or limits.get(limit_id) or (limit_id, 0)
            _, after = limits.get(limit_id, (name, 0))
            most = max(before, after, self._set.get(name, 0), self._taken.get(limit_id, 0))
            if count > most:
                holders = [row[1] for row in rows if row[0] == limit_id]
                message = f"{count} slots of {name} are taken where {most} may be, by {', '.join(sorted(holders))}"
                raise Violation("no more slots than there are", message, name, *holders)
        holders = {row[1] for row in rows}
        self._check_words(holders)
        self._limits, self._taken = limits, taken
        self._check_waiters(taken)

    def saw(self, id: str, holds_slots: bool) -> None:
        """What a run's row says now; False for one that is gone."""
        if holds_slots:
            self._said.add(id)
        else:
            self._said.discard(id)

    def _check_words(self, holders: set[str]) -> None:
        """What runs say of themselves. One whose slots went with their limit says so once it moves on."""
        said = self._said
        if self._limits_went:
            self._bereft |= said - holders
        self._bereft &= said - holders
        for id in sorted((said ^ holders) - self._bereft):
            message = f"{id} has rows: {id in holders}, and its row says the opposite"
            raise Violation("holds_slots says whether slots are held", message, id)

    def _read_limits(self) -> dict[str, tuple[str, int]]:
        rows = self._cursor.execute("SELECT id, name, slots, active FROM concurrency_limits").fetchall()
        return {id: (name, slots if active else 0) for id, name, slots, active in rows}

    def _check_holder(self, holder: str, expire_time: int | None) -> None:
        run = self._runs.get(holder)
        if run is None:
            raise Violation("slots have a holder", f"{holder} holds a slot and is no run", holder)
        if expire_time is not None or run["state_type"] in _KEEPS[run["kind"]]:
            return
        # The session that tries again answers for it.
        if run["kind"] is FLOW_RUN and run["state_name"] == AWAITING_RETRY and run["session_id"] is not None:
            return
        raise Violation("slots are given back", f"{holder} holds a slot in {run['state_name']}", holder)

    def _check_waiters(self, taken: Mapping[str, int]) -> None:
        """Nobody waits while all that he waits for is free."""
        query = (
            "SELECT w.waiter_id, w.run_id, w.limit_id, l.name, l.slots, l.active FROM slot_waiters AS w"
            " LEFT JOIN concurrency_limits AS l ON l.id = w.limit_id"
        )
        lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
        for waiter, run, limit_id, name, slots, active in self._cursor.execute(query).fetchall():
            full = bool(active) and taken.get(limit_id, 0) >= slots
            lacking[waiter, run] += [name] if full else []
        for (waiter, run), names in lacking.items():
            if not names:
                raise Violation("nobody waits for what is free", f"{waiter} of {run} does", run)

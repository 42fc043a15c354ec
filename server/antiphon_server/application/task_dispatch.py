"""Hands task runs that wait for a worker to workers: each to one at a time, the moment it is due.

What is handed out is an offer: the run is claimed by a proposal of the worker's, so that whatever is forgotten here, by
a crash or a cut, is only offered once more. A look into the database is taken where a run was queued or came due and a
worker has room, and it reads no more than there is room for.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from antiphon_server.application.core import Changes, Core
from antiphon_server.application.offers import OFFER, Offers
from antiphon_server.application.receivers import Receiver
from antiphon_server.application.wakeups import Wakeups
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import SCHEDULED
from antiphon_server.storage import work_lines
from antiphon_server.storage.reader import Reader, Record
from antiphon_server.storage.sources import TASK_RUNS
from antiphon_server.storage.work_lines import Queued

logger = logging.getLogger(__name__)

#: Runs that are read at once.
MOST = 500


class Worker(Receiver):
    """Somebody who takes runs of some tasks. `deliver` gets those that are offered, in order, and must be quick."""

    def __init__(self, deliver: Callable[[Sequence[Record]], None]) -> None:
        super().__init__()
        self.deliver = deliver
        self.task_keys: set[str] = set()


class TaskDispatch:
    """Which run is offered to whom. Belongs to the event loop."""

    def __init__(self, core: Core, reader: Reader) -> None:
        self._core = core
        self._reader = reader
        #: Task key -> those who serve it.
        self._workers: dict[str, dict[Worker, None]] = {}
        #: Tasks of which runs may be due.
        self._wakeups = Wakeups(core.clock)
        #: Run -> who is, or is about to be, offered it, and its task.
        self._offers: dict[str, tuple[Worker, str]] = {}
        self._unclaimed: Offers[str, Worker] = Offers(self._lapsed)
        core.listen(self._on_changes)
        core.at_clock_move(self._wakeups.clock_moved)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await self._wakeups.serve(self._hand_out, lambda: self._workers, "task runs")

    def stop(self) -> None:
        """No timer is left."""
        self._wakeups.stop()
        self._unclaimed.stop()

    # Workers

    def served(self, task_key: str) -> bool:
        """Whether somebody at this server serves a task."""
        return task_key in self._workers

    def serve(self, worker: Worker, task_keys: Iterable[str], credit: int) -> None:
        """Somebody is here, or has room for more, or serves more tasks."""
        worker.stalled = False
        worker.add_credit(credit)
        for key in task_keys:
            worker.task_keys.add(key)
            self._workers.setdefault(key, {})[worker] = None
            self._wakeups.stir(key)
        self._wakeups.wake()

    def leave(self, worker: Worker) -> None:
        """Somebody is gone; what was offered to it is offered to others."""
        for key in worker.task_keys:
            workers = self._workers.get(key, {})
            workers.pop(worker, None)
            if not workers:
                self._workers.pop(key, None)
                self._wakeups.forget(key)
        self._withdraw(worker)

    def _withdraw(self, worker: Worker) -> None:
        self._unclaimed.drop(worker)
        for run_id in [id for id, (who, _) in self._offers.items() if who is worker]:
            _, key = self._offers.pop(run_id)
            self._stir(key)

    # What happens

    def _on_changes(self, changes: Changes) -> None:
        if self._offers:
            for kind, run_id in changes.runs:
                if kind is RunKind.TASK_RUN:
                    self._offers.pop(run_id, None)
                    self._unclaimed.answered(run_id)
        for key, due in changes.queued.items():
            if key in self._workers:
                self._wakeups.expect(key, due)

    def _stir(self, key: str) -> None:
        if key in self._workers:
            self._wakeups.stir(key)

    # Handing out

    async def _hand_out(self) -> None:
        """Rounds, until nobody has room or nothing is due."""
        while keys := [key for key in self._wakeups.stirred if self._room(key)]:
            found: list[tuple[Queued, str]] = []
            for key in keys:
                found += [(each, key) for each in await self._look(key)]
            found.sort(key=_order)
            offered = self._offer(found)
            if offered:
                await self._deliver(offered)

    def _room(self, key: str) -> int:
        return sum(worker.credit for worker in self._workers.get(key, ()) if worker.open)

    async def _look(self, key: str) -> list[Queued]:
        """Runs of a task that are due and not offered, as many as there may be room for."""
        # Before the look: what is queued meanwhile is looked for again.
        self._wakeups.settle(key)
        offered = sum(1 for _, other in self._offers.values() if other == key)
        limit = min(self._room(key), MOST) + offered
        due, following = await self._reader.queued(work_lines.TASK_RUNS, (key,), self._core.clock(), limit)
        if len(due) == limit:
            self._wakeups.stir(key)
        elif following is not None:
            self._wakeups.expect(key, following)
        return [each for each in due if each.id not in self._offers]

    def _offer(self, found: Sequence[tuple[Queued, str]]) -> list[tuple[str, Worker]]:
        """Picks a worker for each run, the one with most room."""
        picked = []
        for each, key in found:
            worker = max((w for w in self._workers.get(key, ()) if w.open), key=_credit, default=None)
            if worker is None:
                self._wakeups.stir(key)
                continue
            worker.credit -= 1
            self._offers[each.id] = worker, key
            picked.append((each.id, worker))
        return picked

    async def _deliver(self, picked: Sequence[tuple[str, Worker]]) -> None:
        try:
            rows = await self._reader.rows(TASK_RUNS, [id for id, _ in picked])
        except BaseException:
            for id, worker in picked:
                self._take_back(id, worker)
            raise
        parcels: dict[Worker, list[Any]] = {}
        for id, worker in picked:
            row = rows.get(id)
            if row is None or row.state_type != SCHEDULED:  # Somebody was faster.
                self._take_back(id, worker)
            elif id in self._offers:
                parcels.setdefault(worker, []).append(row)
                self._unclaimed.add(id, worker)
            else:
                worker.take_back()
        for worker, parcel in parcels.items():
            worker.deliver(parcel)

    def _take_back(self, id: str, worker: Worker) -> None:
        worker.take_back()
        offer = self._offers.pop(id, None)
        if offer is not None:
            self._stir(offer[1])

    def _lapsed(self, id: str, worker: Worker) -> None:
        """A worker that lets an offer lapse is offered nothing until it is heard again."""
        said = {"task_run_id": id, "seconds": OFFER}
        logger.warning(
            "a worker has not claimed task run %(task_run_id)s in %(seconds)g s; it is offered to others", said
        )
        worker.stalled = True
        self._withdraw(worker)


def _order(found: tuple[Queued, str]) -> Queued:
    return found[0]


def _credit(worker: Worker) -> int:
    return worker.credit

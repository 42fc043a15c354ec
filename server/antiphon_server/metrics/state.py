"""What is read of a server at the time of a scrape."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from antiphon_server.application.core import Core, Reader
from antiphon_server.domain.model import RunKind
from antiphon_server.metrics import catalogue
from antiphon_server.metrics.catalogue import Metric
from antiphon_server.metrics.instruments import family
from antiphon_server.rpc.change_log import ChangeLog
from antiphon_server.rpc.session_stream import SessionHub
from antiphon_server.services.board import Board
from antiphon_server.storage.figures import OWNERS, Figures
from antiphon_server.storage.waiting import LEASE

logger = logging.getLogger(__name__)

#: Seconds that a scrape waits for the event loop and the database. Prometheus itself gives up after ten.
PATIENCE = 5.0

Sample = tuple[Metric, Sequence[str], float]


@dataclass(frozen=True, slots=True)
class Watched:
    """The parts of a server that are looked at."""

    core: Core
    reader: Reader
    hub: SessionHub
    log: ChangeLog
    board: Board
    leads: Callable[[str], bool]
    version: str
    schema: str


class StateCollector(Collector):
    """Reads in the server's event loop and its database; scrapes come in threads of their own."""

    #: Of the catalogue, in this order.
    METRICS = (
        catalogue.COMMIT_FAULTS,
        catalogue.WRITER_QUEUE,
        catalogue.CALLS_REFUSED,
        catalogue.CALLS_ADMITTED,
        catalogue.CALLS_LIMIT,
        catalogue.HELD_BYTES,
        catalogue.SESSIONS,
        catalogue.STREAMS,
        catalogue.WAITS,
        catalogue.SLOT_WAITERS,
        catalogue.SLOTS_TAKEN,
        catalogue.RUNS_DUE,
        catalogue.RUNS_DUE_AGE,
        catalogue.SERVICE_ROUNDS,
        catalogue.SERVICE_FAILURES,
        catalogue.SERVICE_LAG,
        catalogue.SERVICE_INTERVAL,
        catalogue.SERVICE_LAST_ROUND,
        catalogue.SERVICE_LEADING,
        catalogue.READERS_IN_USE,
        catalogue.READERS,
        catalogue.WATCHES,
        catalogue.LOOP_LAG,
        catalogue.BUILD,
        catalogue.UNREAD,
    )

    def __init__(self, watched: Watched, patience: float = PATIENCE) -> None:
        self._watched = watched
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._unread = 0

    def describe(self) -> Iterator[Family]:
        """Without samples: nothing is read to learn the names."""
        return iter([family(metric) for metric in self.METRICS])

    def collect(self) -> Iterator[Family]:
        families = {metric.name: family(metric) for metric in self.METRICS}
        samples = [*self._read(), (catalogue.UNREAD, (), self._unread)]
        for metric, labels, value in samples:
            families[metric.name].add_metric(labels, value)
        return iter(families.values())

    def _read(self) -> list[Sample]:
        """Nothing where the server does not answer: what was counted is told all the same."""
        asked = time.perf_counter()
        future = asyncio.run_coroutine_threadsafe(self._look(asked), self._loop)
        try:
            return future.result(self._patience)
        except NotInTime:
            future.cancel()
            logger.warning("a scrape was not answered within %g s and has only what was counted", self._patience)
        except Exception as error:  # noqa: BLE001 - the counters of a server in trouble are the ones that are needed
            logger.warning("a scrape has only what was counted: %s: %s", type(error).__name__, error)
        self._unread += 1
        return []

    async def _look(self, asked: float) -> list[Sample]:
        lag, watched = time.perf_counter() - asked, self._watched
        now = watched.core.clock()
        in_use, readers = watched.reader.connections
        urgent, bulk = watched.core.queued
        return [
            (catalogue.LOOP_LAG, (), lag),
            (catalogue.COMMIT_FAULTS, (), watched.core.faults),
            (catalogue.WRITER_QUEUE, ("urgent",), urgent),
            (catalogue.WRITER_QUEUE, ("bulk",), bulk),
            (catalogue.STREAMS, (), len(watched.hub)),
            (catalogue.READERS_IN_USE, (), in_use),
            (catalogue.READERS, (), readers),
            (catalogue.WATCHES, (), watched.log.watches),
            (catalogue.BUILD, (watched.version, watched.schema), 1),
            *self._gates(),
            *self._services(),
            *_stored(await watched.reader.figures(now), now),
        ]

    def _gates(self) -> Iterator[Sample]:
        gates = self._watched.hub.gates
        for gate in gates:
            yield catalogue.CALLS_REFUSED, (gate.name,), gate.refused
            yield catalogue.CALLS_ADMITTED, (gate.name,), gate.under_way
            yield catalogue.CALLS_LIMIT, (gate.name,), gate.limit
        yield catalogue.HELD_BYTES, ("incoming",), gates.incoming.held
        yield catalogue.HELD_BYTES, ("outgoing",), gates.outgoing.held

    def _services(self) -> Iterator[Sample]:
        for service in self._watched.board.all():
            name = (service.name,)
            yield catalogue.SERVICE_ROUNDS, name, service.rounds
            yield catalogue.SERVICE_FAILURES, name, service.failures
            yield catalogue.SERVICE_LAG, name, service.lag / 1e6
            yield catalogue.SERVICE_INTERVAL, name, service.interval
            yield catalogue.SERVICE_LAST_ROUND, name, (service.end_time or 0) / 1e6
            yield catalogue.SERVICE_LEADING, name, self._watched.leads(service.name)


def _stored(figures: Figures, now: int) -> Iterator[Sample]:
    yield catalogue.SESSIONS, (), figures.active_sessions
    yield catalogue.WAITS, (), figures.proposals_waiting
    for waiter in (*RunKind, LEASE):
        yield catalogue.SLOT_WAITERS, (str(waiter),), figures.slot_waiters.get(waiter, 0)
    for owner in OWNERS:
        yield catalogue.SLOTS_TAKEN, (owner,), figures.slots_taken.get(owner, 0)
    for kind, due in figures.due.items():
        yield catalogue.RUNS_DUE, (kind.value,), due.runs
        waited = now - due.oldest if due.oldest is not None else 0
        yield catalogue.RUNS_DUE_AGE, (kind.value,), waited / 1e6

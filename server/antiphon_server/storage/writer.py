"""The one writer: a thread with a synchronous engine that takes every state-changing operation.

Group commit without a timer: while one transaction is being committed, operations queue; the next takes them all. A
result is handed out only after its transaction is durable. Sessions share transactions fairly (`fair_queue`), and a
transaction is bounded, so that what one session has piled up delays another one by no more than that. Log lines travel
on a lane of their own and only a bounded number joins a transaction, so that a flood of them cannot delay a verdict.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DBAPIError

from antiphon_server.domain.errors import AntiphonError, Unavailable
from antiphon_server.storage.describing import describe
from antiphon_server.storage.fair_queue import FairQueue
from antiphon_server.storage.faults import storage_error, without_values
from antiphon_server.storage.pulse import Pulse
from antiphon_server.storage.tally import Tally
from antiphon_server.storage.working_set import Changes, Needs, WorkingSet

logger = logging.getLogger(__name__)

#: Operations in one transaction.
MAX_BATCH = 256
#: Frames of sessions in one transaction, an operation of another kind being one; the last message goes in as a whole.
MAX_WEIGHT = 1024
#: Bulk operations (batches of log lines) in one transaction.
MAX_BULK = 1


class Operation(Protocol):
    """One unit of work. It raises before it changes the working set, or not at all."""

    def needs(self, needs: Needs) -> None:
        """Names the rows that `apply` will look at."""
        ...

    def apply(self, working_set: WorkingSet) -> Any:
        """Does the work and gives the answer; an AntiphonError is an answer too."""
        ...


Done = Callable[[Any], None]


@dataclass(slots=True)
class _Job:
    operation: Operation
    #: Gets the result, or the exception.
    done: Done
    #: When it was asked for, by `time.perf_counter`.
    asked: float


@dataclass(slots=True)
class Outcome:
    """What a transaction left behind, for `deliver`: what others did first, then its changes, then the answers in the
    order of asking."""

    changes: Changes | None
    answers: list[tuple[Done, Any]]
    #: How long the transaction took, its commit included, and when it was over, in seconds since 1970.
    seconds: float = 0.0
    end_time: float = 0.0
    #: How long the operation that waited longest had waited for its beginning, in seconds.
    waited: float = 0.0
    #: Numbers and words of what other servers committed before it and was not given yet.
    others: Sequence[tuple[int, str]] = ()


class Others(Protocol):
    """The servers that share the database."""

    def publish(self, working_set: WorkingSet) -> None:
        """Writes, at the end of a transaction, what it changes for them, and numbers the commit."""
        ...

    def missed(self, connection: Connection, changes: Changes) -> Sequence[tuple[int, str]]:
        """Numbers and words of what they committed before the transaction that made `changes`, as far as it was not
        given before. Called once it is committed; raises nothing."""
        ...


class Writer:
    """Feeds operations to the database. `settle` is called after each operation, in its transaction, for what follows
    from it. `deliver` is called once for each transaction, in the writer's thread, and after the end of that in the
    thread of whoever comes too late."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], int],
        deliver: Callable[[Outcome], None],
        settle: Callable[[WorkingSet], None],
        *,
        server_id: str = "",
        others: Others | None = None,
    ) -> None:
        """`others`: those that share the database."""
        self._server_id = server_id
        self._others = others
        self._engine = engine
        self._settle = settle
        self._clock = clock
        self._deliver = deliver
        #: The hot path speaks to the driver, whose errors come as they are.
        self._database_errors = (DBAPIError, engine.dialect.loaded_dbapi.Error)
        self._jobs: FairQueue[_Job] = FairQueue()
        self._bulk: deque[_Job] = deque()
        self._work = threading.Condition()
        self._stopping = False
        #: Whether all is answered that came before the stop, and who came too late meanwhile.
        self._ended = False
        #: Transactions that the disk or another process did not let pass.
        self.faults = 0
        self.pulse = Pulse()
        #: Whether `Changes.tally` is kept.
        self.counting = False
        self._late: list[Done] = []
        self._thread = threading.Thread(target=self._run, name="antiphon-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, operation: Operation, done: Done, *, bulk: bool = False, owner: str = "", weight: int = 1) -> None:
        """Queues an operation, behind those of the same owner: a session, or nobody. After `stop` it is answered with
        Unavailable, behind the answers of what came before."""
        with self._work:
            if not self._stopping:
                job = _Job(operation, done, time.perf_counter())
                if bulk:
                    self._bulk.append(job)
                else:
                    self._jobs.put(job, owner, weight)
                self._work.notify()
                return
            if not self._ended:
                self._late.append(done)
                return
        self._refuse([done])

    @property
    def queued(self) -> tuple[int, int]:
        """How many operations wait for their transaction, and how many bulk ones."""
        return len(self._jobs), len(self._bulk)

    def owners(self) -> frozenset[str]:
        """Whose operations wait for their transaction."""
        with self._work:
            return self._jobs.owners()

    def stop(self) -> None:
        """Commits what is queued, then ends the thread and returns."""
        with self._work:
            self._stopping = True
            self._work.notify()
        self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while jobs := self._next_jobs():
            self.pulse.begin()
            connection = connection or self._connected(jobs)
            if connection is not None:
                self._commit(connection, jobs)
            self.pulse.end()
        if connection is not None:
            connection.close()
        with self._work:
            self._ended = True
        if self._late:
            self._refuse(self._late)

    def _connected(self, jobs: Sequence[_Job]) -> Connection | None:
        """The first connection; None where there is none, which the jobs are answered with."""
        try:
            return self._engine.connect()
        except self._database_errors as error:
            self._fail(jobs, storage_error(error) or error)
            return None

    def _fail(self, jobs: Sequence[_Job], fault: Exception) -> None:
        self.faults += 1
        self.pulse.failed(str(fault))
        logger.warning("a transaction of %d operations failed: %s", len(jobs), fault)
        self._hand_out(Outcome(None, [(job.done, fault) for job in jobs]))

    def _refuse(self, late: Sequence[Done]) -> None:
        stopping = Unavailable("SERVER_STOPPING", "the server is stopping; try again on the next one")
        self._hand_out(Outcome(None, [(done, stopping) for done in late]))

    def _next_jobs(self) -> list[_Job]:
        """Waits for work and takes what is there; empty once the writer was stopped and all is done."""
        with self._work:
            while not (self._jobs or self._bulk or self._stopping):
                self._work.wait()
            jobs = self._jobs.take(MAX_BATCH, MAX_WEIGHT)
            jobs += [self._bulk.popleft() for _ in range(min(MAX_BULK, len(self._bulk)))]
            return jobs

    def _commit(self, connection: Connection, jobs: Sequence[_Job]) -> None:
        try:
            outcome = self._transact(connection, jobs)
        except self._database_errors as error:
            self._undo(connection)
            fault = storage_error(error)
            if fault is None:
                self._isolate(connection, jobs, error)
            else:
                self._fail(jobs, fault)
        except Exception as error:  # noqa: BLE001 - a fault in one operation must not end the writer
            self._undo(connection)
            self._isolate(connection, jobs, error)
        else:
            self._hand_out(outcome)

    def _undo(self, connection: Connection) -> None:
        """Leaves no transaction open. After a COMMIT that failed only the driver knows that one is."""
        try:
            connection.rollback()
            connection.connection.rollback()
        except self._database_errors as error:
            logger.warning("a transaction could not be rolled back, the next one gets a new connection: %s", error)
            connection.invalidate()

    def _hand_out(self, outcome: Outcome) -> None:
        """What is committed is not undone, and not done again, where nobody waits for it any more."""
        try:
            self._deliver(outcome)
        except Exception:
            logger.exception("%d answers could not be delivered", len(outcome.answers))

    def _transact(self, connection: Connection, jobs: Sequence[_Job]) -> Outcome:
        began = time.perf_counter()
        with self._begin(connection), closing(WorkingSet(connection, self._clock(), self._server_id)) as working_set:
            if self.counting:
                working_set.changes.tally = Tally()
            needs = Needs()
            for job in jobs:
                job.operation.needs(needs)
            working_set.load(needs)
            answers: list[tuple[Done, Any]] = []
            for job in jobs:
                try:
                    answers.append((job.done, job.operation.apply(working_set)))
                except AntiphonError as error:
                    answers.append((job.done, error))
                self._settle(working_set)
            working_set.flush()
            if self._others is not None:
                self._others.publish(working_set)
        seconds, end_time = time.perf_counter() - began, time.time()
        self.pulse.committed(seconds)
        others = self._others.missed(connection, working_set.changes) if self._others is not None else ()
        waited = began - min(job.asked for job in jobs)
        return Outcome(working_set.changes, answers, seconds, end_time, waited, others)

    def _begin(self, connection: Connection) -> Transaction:
        """Begins a transaction. A connection that is found dead, on which nothing was done yet, is made anew."""
        fresh = connection.invalidated
        try:
            return connection.begin()
        except self._database_errors:
            if fresh or not getattr(connection.connection.driver_connection, "closed", False):
                raise
            connection.invalidate()
            return connection.begin()

    def _isolate(self, connection: Connection, jobs: Sequence[_Job], error: Exception) -> None:
        """Finds the operation that broke a transaction by giving each one of its own."""
        if len(jobs) > 1:
            for job in jobs:
                self._commit(connection, [job])
            return
        without_values(error)
        logger.error("an operation failed: %s", describe(jobs[0].operation), exc_info=error)
        self._hand_out(Outcome(None, [(jobs[0].done, error)]))

"""The server's writer over a real database in memory, and the clients around it, in one thread with a clock of its own.

Transactions are those of `Writer`: this drives its `_transact`, where the real one has a thread that does.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from antiphon.v1 import transition_pb2
from antiphon_server.application import creation, deadlines, handing_over, rows, sessions, stopping, transitions
from antiphon_server.application.deadlines import ExpireDeadlines, MarkLateRuns, ReclaimSlots
from antiphon_server.application.edits import Delete
from antiphon_server.application.leases import HandOn, QueuesForSlots
from antiphon_server.application.operations import CancelFlowRun, EndWait
from antiphon_server.application.sessions import (
    ExpireSessions,
    ForgetSessions,
    ForgiveDowntime,
    Frame,
    OpenSession,
    ResumeSession,
    SpeakOnSession,
    Spoken,
)
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import COMPLETED, VerdictKind
from antiphon_server.storage import all_tables, tables
from antiphon_server.storage.waiting import Unserved
from antiphon_server.storage.working_set import Changes, Needs, WorkingSet
from antiphon_server.storage.writer import Operation, Writer, _Job
from simulation import asking
from simulation.asking import START, ChangeLimit
from simulation.checker import Checker
from simulation.events import (
    FLOW_RUN,
    TASK_RUN,
    Ask,
    Beat,
    Cancel,
    Clock,
    Die,
    End,
    Event,
    Move,
    New,
    Open,
    Remove,
    Restart,
    Resume,
    Said,
    Say,
    SetLimit,
    Sweep,
    Timers,
    Zombie,
)
from simulation.violations import Violation

#: Microseconds.
TTL = 30_000_000
#: Rounds of the sweeper in which all must come to rest at the end: a queue moves on by one in each.
TURNS = 200
#: Deployments: name, collision strategy, work queue.
DEPLOYMENTS = (("d1", 1, None), ("d2", 2, None), ("d3", 1, None), ("d4", 1, "q1"))
#: The tags that are limited at first, and the limits at the start.
LIMITS = {"deployment:d1": 2, "deployment:d2": 1, "deployment:d4": 3, "work-queue:q1": 2, "tag:gpu": 1, "tag:db": 2}
#: Modules that make ids; `sessions` makes those of sessions, and of what the end of one writes.
_MAKERS: tuple[Any, ...] = (creation, deadlines, handing_over, rows, stopping, transitions)


class _Killed(BaseException):
    """The server is gone before it committed."""


@cache
def _empty_database() -> bytes:
    """A database with all tables, as bytes: a history is replayed many times to find what matters in it."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    all_tables.metadata.create_all(engine)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        return bytes(driver.serialize())


@dataclass(slots=True)
class _Kill:
    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.flush()
        raise _Killed


@dataclass(slots=True)
class _Watched:
    """An operation whose working set the checker may look at."""

    operation: Operation
    checker: Checker

    def needs(self, needs: Needs) -> None:
        self.operation.needs(needs)

    def apply(self, working_set: WorkingSet) -> Any:
        self.checker.working_set = working_set
        return self.operation.apply(working_set)


@dataclass(slots=True)
class Client:
    """A process with a session."""

    id: str
    epoch: int = 1
    sequence: int = 0
    attached: bool = True
    alive: bool = True
    #: What has no final answer, by sequence.
    journal: dict[int, Said] = field(default_factory=dict)


class Ids:
    """The server's ids in the order of making, so that the same history has the same ids."""

    def __init__(self) -> None:
        self.count = 0
        #: Of the session that is opened next.
        self.hints: list[str] = []

    def __call__(self) -> str:
        self.count += 1
        return f"x{self.count:06d}"

    def of_session(self) -> str:
        return self.hints.pop(0) if self.hints else self()


class World:
    """Plays events. `clients` by the name of their session."""

    def __init__(self) -> None:
        self.now = START
        self._engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
        event.listen(self._engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        self._connection = self._engine.connect()
        driver = self._connection.connection.driver_connection
        assert driver is not None
        driver.deserialize(_empty_database())
        self.checker = Checker(self._connection.connection.cursor())
        self._ids = Ids()
        self.clients: dict[str, Client] = {}
        #: What waits, as `services/waits.py` keeps it: transition id -> (kind, run, until).
        self._timers: dict[str, tuple[RunKind, str, int | None]] = {}
        self._due: dict[str, EndWait] = {}
        #: What is left of queues that were too long for one transaction.
        self._unserved: list[Unserved] = []
        self._batch: list[Event] = []
        self._stack = ExitStack()
        self._start()
        self._furnish()
        self._stack.enter_context(self.made_ids())

    def _start(self) -> None:
        self._writer = Writer(self._engine, lambda: self.now, lambda outcome: None, handing_over.hand_over_freed)

    def _furnish(self) -> None:
        with self._connection.begin():
            stamps = {"create_time": START, "update_time": START, "version": 1}
            pool = {"id": "pool", "name": "pool", "type": "process", "paused": False, **stamps}
            self._connection.execute(tables.work_pools.insert(), pool)
            queue = {"id": "q1", "work_pool_id": "pool", "name": "q1", "paused": False, "priority": 1, **stamps}
            self._connection.execute(tables.work_queues.insert(), queue)
            for name, strategy, work_queue in DEPLOYMENTS:
                facts = {"id": name, "name": name, "flow_id": "", "paused": False, "tags": "[]", "grace_period": None}
                row = facts | {"collision_strategy": strategy, "work_queue_id": work_queue, **stamps}
                self._connection.execute(tables.deployments.insert(), row)
        with self.made_ids():
            for name, slots in LIMITS.items():
                self._commit([(SetLimit(name=name, slots=slots), ChangeLimit(name, slots, True))])

    @contextmanager
    def made_ids(self) -> Iterator[None]:
        """While it lasts the server's ids are counted, and the checker sees each slot that is taken."""
        real = {module: module.uuid7 for module in (*_MAKERS, sessions)}
        for module in _MAKERS:
            module.uuid7 = self._ids
        sessions.uuid7 = self._ids.of_session
        try:
            with self.checker.watching():
                yield
        finally:
            for module, function in real.items():
                module.uuid7 = function

    def close(self) -> None:
        self._stack.close()
        self._connection.close()
        self._engine.dispose()

    # Playing

    def offer(self, event_: Event | None) -> None:
        """Takes in what happens next. A transaction is made once an event comes that does not join it, or None at the
        end. Raises Violation for the first promise that is broken."""
        batch = self._batch
        if batch and (event_ is None or not (event_.joined and _joins(event_))):
            self._batch = []
            self._transact(batch)
        if event_ is not None:
            self._batch.append(event_)
            if not _joins(event_) or isinstance(event_, Restart):
                batch, self._batch = self._batch, []
                self._transact(batch)

    def _transact(self, batch: list[Event]) -> None:
        first = batch[0]
        match first:
            case Clock():
                self.now += round(first.seconds * 1e6)
            case Die():
                if first.session in self.clients:
                    self.clients[first.session].alive = False
            case End():
                self._end()
            case Restart(killed=False):
                self._restart()
            case _:
                self._together(batch)

    def _together(self, batch: list[Event]) -> None:
        """One transaction of what these events ask for, behind the waits that are due."""
        killed = any(isinstance(each, Restart) for each in batch)
        epochs = {client.id: client.epoch for client in self.clients.values()} if killed else {}
        jobs: list[tuple[Event | None, Operation]] = [(None, wait) for wait in self._due.values()]
        jobs += [(None, HandOn(queue)) for queue in self._unserved]
        self._due.clear()
        self._unserved.clear()
        for each in batch:
            jobs.extend((each, operation) for operation in self._operations(each))
        if jobs or killed:
            self._commit(jobs, killed=killed)
        if killed:
            for id, epoch in epochs.items():
                self.clients[id].epoch = epoch
            self._restart()

    def _operations(self, event_: Event) -> Iterator[Operation]:  # noqa: C901 - a case for each kind of event
        match event_:
            case Open():
                self._ids.hints.append(event_.session)
                yield OpenSession("", TTL)
            case Say():
                client = self.clients.get(event_.session)
                if client is not None and client.alive and client.attached:
                    frames = [self._frame(client, each) for each in event_.said]
                    yield SpeakOnSession(client.id, client.epoch, TTL, frames, event_.goodbye)
            case Zombie():
                client = self.clients.get(event_.session)
                if client is not None and client.epoch > 1:
                    frames = [
                        Frame(client.sequence + 1 + i, asking.saying(each, client.id, client.sequence + 1 + i))
                        for i, each in enumerate(event_.said)
                    ]
                    yield SpeakOnSession(client.id, client.epoch - 1, TTL, frames)
            case Resume():
                client = self.clients.get(event_.session)
                if client is not None and client.alive and not client.attached:
                    client.epoch, client.attached = client.epoch + 1, True
                    again = [Frame(n, asking.saying(said, client.id, n)) for n, said in client.journal.items()]
                    yield ResumeSession(client.id, "", TTL)
                    yield SpeakOnSession(client.id, client.epoch, TTL, again)
            case Beat():
                for client in self.clients.values():
                    if client.alive and client.attached:
                        yield SpeakOnSession(client.id, client.epoch, TTL)
            case Ask():
                assert event_.said is not None
                yield asking.asking(event_.said)
            case Cancel():
                yield CancelFlowRun(event_.run, "", event_.id)
            case Remove():
                yield Delete(event_.kind.noun, event_.run, "")
            case SetLimit():
                yield ChangeLimit(event_.name, event_.slots, event_.active, event_.reset)
            case Timers():
                due = [id for id, (_, _, until) in self._timers.items() if until is not None and until <= self.now]
                for id in due:
                    kind, run, _ = self._timers.pop(id)
                    yield EndWait(id, kind, run)
            case Sweep():
                yield from (ExpireSessions(self.now), ExpireDeadlines(self.now), MarkLateRuns(self.now))
                yield from (ReclaimSlots(), ForgetSessions())

    def _frame(self, client: Client, said: Said) -> Frame:
        client.sequence += 1
        client.journal[client.sequence] = said
        return Frame(client.sequence, asking.saying(said, client.id, client.sequence))

    # Transactions

    def _commit(self, jobs: list[tuple[Event | None, Operation]], killed: bool = False) -> None:
        answers: list[Any] = []
        work = [_Job(_Watched(operation, self.checker), answers.append, 0.0) for _, operation in jobs]
        if killed:
            work.append(_Job(_Kill(), answers.append, 0.0))
        self.checker.begin([operation for _, operation in jobs])
        try:
            outcome = self._writer._transact(self._connection, work)
        except _Killed:
            return
        except (Violation, AntiphonError):
            raise
        except Exception as error:
            words = "; ".join(str(each) for each, _ in jobs if each is not None) or "a wait that is decided again"
            subjects = [name for each, _ in jobs if each is not None for name in each.names()]
            raise Violation("no bugs", f"{type(error).__name__}: {error} at {words}", *subjects) from error
        assert outcome.changes is not None
        self._hear_changes(outcome.changes)
        told = [answer for _, answer in outcome.answers]
        for (each, operation), answer in zip(jobs, told, strict=True):
            if isinstance(operation, HandOn) and answer is not None:
                self._unserved.append(answer)
            elif isinstance(operation, QueuesForSlots):
                self._unserved += answer
            self._hear(each, operation, answer)
        for session_id, sequence, _, answer in outcome.changes.final_verdicts:
            client = self.clients.get(session_id)
            self.checker.final(answer)
            if client is not None and client.attached and client.alive:
                client.journal.pop(sequence, None)
        self.checker.committed(self.now, outcome.changes)

    def _hear_changes(self, changes: Changes) -> None:
        for _, run_id in changes.runs:
            for id, (kind, run, _) in list(self._timers.items()):
                if run == run_id:
                    self._due[id] = EndWait(id, kind, run)
        for id in self._due:
            self._timers.pop(id, None)
        for row in changes.waits:
            self._wait(row["transition_id"], row["run_id"], row["until_time"], row["proposal"])
        self._unserved += changes.unserved
        for id, _ in changes.ended_waits:
            self._timers.pop(id, None)
            self._due.pop(id, None)

    def _wait(self, id: str, run: str, until: int | None, body: bytes) -> None:
        message = transition_pb2.Proposal.FromString(body)
        kind = FLOW_RUN if message.WhichOneof("run") == "flow_run_id" else TASK_RUN
        self._timers[id] = kind, run, until

    def _hear(self, event_: Event | None, operation: Operation, answer: Any) -> None:
        match event_:
            case Open():
                self.clients[answer.id] = Client(answer.id)
            case Resume():
                client = self.clients[event_.session]
                if isinstance(answer, AntiphonError):
                    client.alive = False
                elif isinstance(operation, SpeakOnSession):
                    self._hear_spoken(client, answer, lost=False)
            case Say() | Beat():
                assert isinstance(operation, SpeakOnSession)
                client = self.clients[operation.session_id]
                self._hear_spoken(client, answer, lost=isinstance(event_, Say) and event_.lost)
                client.alive = client.alive and not (isinstance(event_, Say) and event_.goodbye)
            case Zombie():
                if not isinstance(answer, AntiphonError):
                    message = f"an old epoch of {event_.session} was heard"
                    raise Violation("zombies are fenced off", message, event_.session)
            case Ask(said=Move() as move) if isinstance(answer, Verdict):
                self.checker.answered(move, answer)
            case Ask(said=New() as new) if not isinstance(answer, AntiphonError):
                self.checker.created(new)

    def _hear_spoken(self, client: Client, answer: Spoken | AntiphonError, lost: bool) -> None:
        if isinstance(answer, AntiphonError):
            # Its session is over: it was lost, or it spoke again behind its goodbye.
            client.alive = client.attached = False
            return
        if answer.fatal is not None:
            raise Violation("no gaps", f"{client.id}: {answer.fatal}", client.id)
        for sequence, told in answer.answers:
            said = client.journal.get(sequence)
            if said is None:
                continue
            waits = isinstance(told, Verdict) and told.kind is VerdictKind.WAIT
            if isinstance(said, Move) and isinstance(told, Verdict):
                self.checker.answered(said, told, client.id)
            elif isinstance(said, New) and not isinstance(told, AntiphonError):
                self.checker.created(said)
            if not lost and not waits:
                del client.journal[sequence]
        if lost:
            client.attached = False

    def _restart(self) -> None:
        """All streams are cut; what waits is known from the database alone."""
        self._start()
        self._timers.clear()
        self._due.clear()
        self._unserved.clear()
        for client in self.clients.values():
            client.attached = False
        self._commit([(None, ForgiveDowntime(TTL)), (None, QueuesForSlots())])
        with self._connection.begin():
            for row in self._connection.execute(tables.waits.select()).fetchall():
                self._wait(row.transition_id, row.run_id, row.until_time, row.proposal)

    # The end

    def _end(self) -> None:
        """Time goes by until nothing is left to decide; raises Violation where that never comes."""
        for client in self.clients.values():
            client.alive = False
        for name, slots, active in self.checker.limits():
            if slots == 0 or not active:
                self._together([SetLimit(name=name, slots=1, active=True)])
        for turn in range(TURNS):
            if self.checker.at_rest() and not self._due:
                break
            self.now += 301_000_000
            self._together([Timers()])
            self._together([Sweep()])
            for number, (kind, run) in enumerate(self.checker.run_by_callers()):
                move = Move(f"e{turn}-{number}", kind, run, COMPLETED, data=True)
                self._together([Ask(said=move)])
        self.checker.ended()


def _joins(event_: Event) -> bool:
    return not isinstance(event_, Clock | Die | End) and not (isinstance(event_, Restart) and not event_.killed)

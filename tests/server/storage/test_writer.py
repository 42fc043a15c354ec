"""The one writer, with a commit that a test can hold and a database that a test can fill up or lock."""

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError

from antiphon_server.domain.errors import AntiphonError, NotFound, ResourceExhausted, Unavailable
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import MAX_BATCH, MAX_BULK, Outcome, Writer
from stores import committed, database_for, only_sqlite

PATIENCE = 20.0


@dataclass
class AddFlow:
    """Writes a flow whose tags take `size` bytes, and raises `error` once that is done."""

    name: str
    size: int = 0
    error: Exception | None = None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        working_set.add_flow(
            {
                "id": self.name,
                "name": self.name,
                "tags": "x" * self.size,
                "create_time": 1,
                "update_time": 1,
                "version": 1,
            }
        )
        if self.error is not None:
            raise self.error
        return self.name


@dataclass
class Raise:
    """Raises without having written, as operations do that refuse something."""

    error: Exception

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        raise self.error


class HeldCommit:
    """Holds commits while it is closed. `reached` is set when one has come to it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.commits = 0
        #: Raised in place of the next commit.
        self.fault: Exception | None = None

    def __call__(self, _: Connection) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        self.commits += 1


class Bench:
    """A writer of a new database, its answers in order, and a hand on its connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = database_for(path).writer_engine()
        self._raw: list[sqlite3.Connection] = []
        event.listen(self.engine, "connect", lambda raw, _: self._raw.append(raw))
        prepare(self.engine)
        self.commit = HeldCommit()
        event.listen(self.engine, "commit", self.commit)
        self.outcomes: list[Outcome] = []
        self.answers: queue.Queue[Any] = queue.Queue()
        self.deliver_fault: Exception | None = None
        self.writer = Writer(self.engine, lambda: 1, self._deliver, lambda working_set: None)

    def _deliver(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        for done, answer in outcome.answers:
            done(answer)
        fault, self.deliver_fault = self.deliver_fault, None
        if fault is not None:
            raise fault

    def pragma(self, text: str) -> Any:
        """Sets something on the writer's own connection, which must be idle."""
        (raw,) = self._raw
        return raw.execute(f"PRAGMA {text}").fetchone()

    def submit(self, *operations: Any, bulk: bool = False) -> None:
        for operation in operations:
            self.writer.submit(operation, self.answers.put, bulk=bulk)

    def next(self, count: int = 1) -> list[Any]:
        return [self.answers.get(timeout=PATIENCE) for _ in range(count)]

    def ask(self, *operations: Any) -> list[Any]:
        """Has operations done in one transaction; gives their answers."""
        with self.held():
            self.submit(*operations)
        # The first answer is that of the operation that was held.
        return self.next(len(operations) + 1)[1:]

    def held(self) -> "Held":
        return Held(self)

    def names(self) -> list[str]:
        """What another connection sees."""
        return [name for (name,) in committed(self.path, "SELECT name FROM flows ORDER BY name")]

    def sizes(self) -> list[int]:
        """Answers in each transaction, in order."""
        return [len(outcome.answers) for outcome in self.outcomes]


class Held:
    """While it lasts, a transaction is being committed, so what is submitted queues up."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __enter__(self) -> None:
        commit = self._bench.commit
        commit.reached.clear()
        commit.open.clear()
        self._bench.submit(Raise(NotFound("HELD", "the transaction that is held")))
        assert commit.reached.wait(PATIENCE)

    def __exit__(self, *_: object) -> None:
        self._bench.commit.open.set()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "antiphon.db")
    bench.writer.start()
    yield bench
    bench.commit.open.set()
    bench.writer.stop()
    bench.engine.dispose()


def reason(answer: Any) -> str:
    assert isinstance(answer, AntiphonError), answer
    return answer.reason


def test_a_lone_operation_is_committed_at_once(bench: Bench) -> None:
    bench.submit(AddFlow("one"))
    assert bench.next() == ["one"]
    assert (bench.names(), bench.commit.commits) == (["one"], 1)


def test_what_queues_while_one_commits_shares_the_next_transaction(bench: Bench) -> None:
    with bench.held():
        bench.submit(*(AddFlow(f"{i:02}") for i in range(20)))
        assert bench.names() == []
    assert bench.next(21)[1:] == [f"{i:02}" for i in range(20)]
    assert (bench.commit.commits, bench.sizes()) == (2, [1, 20])


def test_no_answer_before_its_commit(bench: Bench) -> None:
    bench.commit.open.clear()
    bench.submit(AddFlow("one"))
    assert bench.commit.reached.wait(PATIENCE)
    # The work is done and only the commit is missing.
    assert (bench.outcomes, bench.answers.empty(), bench.names()) == ([], True, [])
    seen: list[list[str]] = []
    bench.writer.submit(AddFlow("two"), lambda _: seen.append(bench.names()))
    bench.commit.open.set()
    assert bench.next() == ["one"]
    bench.writer.stop()
    assert seen == [["one", "two"]]


def test_answers_come_in_the_order_of_asking_over_many_transactions(bench: Bench) -> None:
    asked = [f"{i:04}" for i in range(2 * MAX_BATCH + 100)]
    with bench.held():
        bench.submit(*(AddFlow(each) for each in asked))
    assert bench.next(1 + len(asked))[1:] == asked
    assert bench.sizes() == [1, MAX_BATCH, MAX_BATCH, 100]


def test_askers_in_many_threads_each_get_their_own_answer(bench: Bench) -> None:
    got: dict[str, list[Any]] = {}

    def ask(name: str) -> None:
        answers: queue.Queue[Any] = queue.Queue()
        got[name] = []
        for i in range(50):
            bench.writer.submit(AddFlow(f"{name}{i}"), answers.put)
            got[name].append(answers.get(timeout=PATIENCE))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert got == {name: [f"{name}{i}" for i in range(50)] for name in "abcd"}
    assert len(bench.names()) == 200


def test_a_refusal_is_an_answer_and_harms_no_other(bench: Bench) -> None:
    refusal = NotFound("FLOW_NOT_FOUND", "there is none")
    assert bench.ask(AddFlow("a"), Raise(refusal), AddFlow("b")) == ["a", refusal, "b"]
    assert (bench.names(), bench.sizes()) == (["a", "b"], [1, 3])


@pytest.mark.parametrize("bug", [ValueError("a bug"), DBAPIError("SELECT", None, sqlite3.OperationalError("wrong"))])
def test_a_bug_is_isolated_and_what_it_wrote_is_undone(bench: Bench, bug: Exception) -> None:
    assert bench.ask(AddFlow("a"), AddFlow("half", error=bug), AddFlow("b")) == ["a", bug, "b"]
    assert bench.names() == ["a", "b"]
    bench.submit(AddFlow("later"))
    assert bench.next() == ["later"]


def test_the_log_of_a_bug_has_no_word_of_the_users(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    assert bench.ask(AddFlow("a"), AddFlow("a", size=30), AddFlow("half", error=ValueError("a bug")))[0] == "a"
    records = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in records] == ["an operation failed: AddFlow()"] * 2
    assert "ValueError: a bug" in caplog.text
    assert "unique constraint" in caplog.text.lower()
    assert "x" * 30 not in caplog.text


def test_a_statement_that_is_wrong_is_isolated_too(bench: Bench) -> None:
    first, clash, last = bench.ask(AddFlow("a"), AddFlow("a"), AddFlow("b"))
    assert (first, type(clash), last) == ("a", IntegrityError, "b")
    assert bench.names() == ["a", "b"]


@only_sqlite
def test_a_full_disk_is_answered_and_nothing_is_half_written(bench: Bench) -> None:
    (pages,) = bench.pragma("page_count")
    bench.pragma(f"max_page_count={pages + 2}")
    small, large = bench.ask(AddFlow("small"), AddFlow("large", size=1_000_000))
    assert [reason(each) for each in (small, large)] == ["STORAGE_FULL", "STORAGE_FULL"]
    assert isinstance(small, ResourceExhausted)
    assert small.retry_after
    assert bench.names() == []
    bench.submit(AddFlow("still fits"))
    assert bench.next() == ["still fits"]
    bench.pragma("max_page_count=1000000")
    assert bench.ask(AddFlow("small"), AddFlow("large", size=1_000_000)) == ["small", "large"]
    assert bench.names() == ["large", "small", "still fits"]


@only_sqlite
def test_a_database_that_cannot_be_written_is_answered(bench: Bench) -> None:
    bench.pragma("query_only=ON")
    bench.submit(AddFlow("a"), AddFlow("b"))
    answers = bench.next(2)
    assert [reason(each) for each in answers] == ["STORAGE_UNAVAILABLE"] * 2
    assert isinstance(answers[0], Unavailable)
    assert "SQLITE_READONLY" in str(answers[0])
    bench.pragma("query_only=OFF")
    assert bench.ask(AddFlow("a"), AddFlow("b")) == ["a", "b"]


@only_sqlite
def test_a_database_that_another_process_holds_is_answered(bench: Bench) -> None:
    bench.pragma("busy_timeout=0")
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        bench.submit(AddFlow("a"))
        (busy,) = bench.next()
        assert (reason(busy), type(busy)) == ("STORAGE_BUSY", Unavailable)
        other.execute("ROLLBACK")
    bench.submit(AddFlow("a"))
    assert bench.next() == ["a"]


@only_sqlite
def test_a_commit_that_fails_writes_nothing(bench: Bench) -> None:
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    assert bench.ask(AddFlow("a"), AddFlow("b")) == ["a", "b"]
    bench.commit.fault = fault
    bench.submit(AddFlow("c"))
    (answer,) = bench.next()
    assert reason(answer) == "STORAGE_UNAVAILABLE"
    assert bench.names() == ["a", "b"]
    bench.submit(AddFlow("c"))
    assert bench.next() == ["c"]


def test_nothing_is_done_twice_where_an_answer_cannot_be_delivered(bench: Bench) -> None:
    # The event loop that waits for answers may be gone.
    with bench.held():
        bench.submit(AddFlow("a"), AddFlow("b"))
        bench.deliver_fault = RuntimeError("Event loop is closed")
    bench.next(3)
    bench.submit(AddFlow("c"))
    assert bench.next() == ["c"]
    assert bench.sizes() == [1, 2, 1]


def test_a_flood_of_bulk_work_joins_transactions_a_few_at_a_time(bench: Bench) -> None:
    with bench.held():
        bench.submit(*(AddFlow(f"bulk {i}") for i in range(5)), bulk=True)
        bench.submit(*(AddFlow(f"lane {i}") for i in range(3)))
    answers = bench.next(9)[1:]
    # Verdicts do not wait for the flood, and what came first of it rides along.
    assert answers[:4] == ["lane 0", "lane 1", "lane 2", "bulk 0"]
    assert answers[4:] == [f"bulk {i}" for i in range(1, 5)]
    assert bench.sizes() == [1, 3 + MAX_BULK, *[MAX_BULK] * 4]


def test_stop_commits_what_is_queued_and_refuses_what_comes_later(bench: Bench) -> None:
    with bench.held():
        bench.submit(*(AddFlow(f"{i}") for i in range(3)))
        bench.submit(AddFlow("bulk 0"), AddFlow("bulk 1"), bulk=True)
        stopping = threading.Thread(target=bench.writer.stop)
        stopping.start()
        while not bench.writer._stopping:
            stopping.join(0.001)
        bench.submit(AddFlow("late"))
        assert stopping.is_alive()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert bench.names() == ["0", "1", "2", "bulk 0", "bulk 1"]
    # Who came too late is told behind all others: one was held, and five were queued.
    answers = bench.next(7)
    assert answers[1:6] == ["0", "1", "2", "bulk 0", "bulk 1"]
    assert reason(answers[6]) == "SERVER_STOPPING"
    bench.submit(AddFlow("later"))
    assert reason(bench.answers.get_nowait()) == "SERVER_STOPPING"

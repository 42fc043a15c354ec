"""The one writer, with a commit that a test can hold and a database that a test can fill up or lock."""

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from antiphon_server.domain.errors import NotFound, ResourceExhausted, Unavailable
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import MAX_BATCH, MAX_BULK, MAX_WEIGHT
from stores import database_for, only_sqlite, place_for
from writer_bench import PATIENCE, AddFlow, Bench, Raise, reason


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    path = tmp_path / "antiphon.db"
    bench = Bench(place_for(path), database_for(path))
    bench.writer.start()
    yield bench
    bench.close()


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


def test_a_transaction_is_bounded_by_weight_and_holds_what_others_ask_for(bench: Bench) -> None:
    much = [f"{i:04}" for i in range(40)]
    with bench.held():
        bench.submit(*(AddFlow(each) for each in much), owner="greedy", weight=128)
        bench.submit(AddFlow("lone"), owner="modest")
        assert bench.writer.owners() == {"greedy", "modest"}
    answers = bench.next(1 + len(much) + 1)[1:]
    first = bench.sizes()[1]
    assert first <= MAX_WEIGHT // 128 + 1
    assert "lone" in answers[:first]
    assert [each for each in answers if each != "lone"] == much


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


@dataclass
class Keep(Raise):
    """Keeps its working set, and raises."""

    kept: list[WorkingSet]

    def apply(self, working_set: WorkingSet) -> None:
        self.kept.append(working_set)
        super().apply(working_set)


@pytest.mark.parametrize("error", [NotFound("FLOW_NOT_FOUND", "there is none"), ValueError("a bug")])
def test_the_garbage_collector_finds_no_open_cursor(bench: Bench, error: Exception) -> None:
    """It may run in any thread, and would reset a statement of the writer's there."""
    keep = Keep(error, [])
    assert bench.ask(AddFlow("a"), keep) == ["a", error]
    for working_set in keep.kept:
        with pytest.raises((sqlite3.ProgrammingError, psycopg.InterfaceError), match="closed"):
            working_set.load(Needs(flow_runs={"any"}))


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
    with closing(sqlite3.connect(bench.place, isolation_level=None)) as other:
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

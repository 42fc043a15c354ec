"""Concurrency limits and slots in one batch: what is loaded, how it is counted, and that the database says the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from antiphon_server.storage import tables
from antiphon_server.storage.slot_book import SlotBook
from antiphon_server.storage.working_set import WorkingSet
from writing import SECOND, START

DECAYS = {"slot_decay_per_second": 0.5}


class Bench:
    """A database with limits, and books on it."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.now = START

    def limit(self, name: str, slots: int = 2, **more: Any) -> str:
        id = f"id-{name}"
        self._database.add(tables.concurrency_limits, {"id": id, "name": name, "slots": slots, **more})
        return id

    def slot(self, limit_id: str, holder: str, **more: Any) -> None:
        row = {"limit_id": limit_id, "holder_id": holder, "acquire_time": START, **more}
        self._database.add(tables.slots, row)

    @contextmanager
    def book(self) -> Iterator[SlotBook]:
        """Flushed and committed at the end; what it says by then is held to what a new book reads."""
        with self._database.engine.begin() as connection:
            batch = WorkingSet(connection, self.now)
            yield batch.slots
            batch.slots.flush()
            said = {id: _said(batch.slots, id) for id in self.ids()}
            assert {id: _said(WorkingSet(connection, self.now).slots, id) for id in said} == said
            batch.slots.flush()  # A second time nothing is left.

    def ids(self) -> list[str]:
        return [f"id-{name}" for name in ("a", "b", "decays")]

    def stored(self) -> set[tuple[Any, ...]]:
        """(limit, holder, count, expiry) of each slot."""
        with self._database.engine.begin() as connection:
            rows = connection.execute(tables.slots.select()).fetchall()
        return {(row.limit_id, row.holder_id, row.count, row.expire_time) for row in rows}


def _said(book: SlotBook, id: str) -> Any:
    limit = book.limit(id)
    held = {holder: sorted(book.held_by(holder)) for holder in ("run", "other")}
    return (limit.taken, limit.average_occupancy, limit.room == 0, held) if limit is not None else (None, held)


@pytest.fixture
def bench(database: Any) -> Bench:
    return Bench(database)


def test_limits_come_with_what_is_taken(bench: Bench) -> None:
    bench.limit("a", slots=2, average_occupancy=7, slot_decay_per_second=0.25)
    bench.limit("b", active=False)
    bench.slot("id-a", "one", expire_time=START + 5)
    bench.slot("id-a", "two", count=3, expire_time=START + 9)
    bench.slot("id-a", "three")
    with bench.book() as book:
        limit, empty = book.named("a"), book.named("b")
        assert limit is not None
        assert (limit.id, limit.name, limit.slots, limit.active, limit.average_occupancy) == ("id-a", "a", 2, True, 7)
        assert (limit.slot_decay_per_second, limit.taken, limit.room == 0) == (0.25, 5, True)
        assert (limit.next_free_time, limit.last_free_time) == (START + 5, None), "only what decays has a last time"
        assert empty is not None
        assert (empty.taken, empty.room == 0, empty.active, empty.next_free_time) == (0, False, False, None)
        assert book.named("none") is None
        assert book.limit("none") is None


def test_many_come_in_few_statements_and_once(bench: Bench, statements: list[str]) -> None:
    names = [f"n{number}" for number in range(100)]
    for name in names:
        bench.limit(name)
        bench.slot(f"id-{name}", f"holder-{name}")
    statements.clear()
    with bench.book() as book:
        book.load(names, [f"holder-{name}" for name in names])
        reads = [each for each in statements if each.startswith("SELECT")]
        assert len(reads) == 3  # Limits, what is taken of them, and who holds what.
        for name in names:
            limit = book.named(name)
            assert limit is not None
            assert (book.limit(limit.id), limit.taken) == (limit, 1)
            assert list(book.held_by(f"holder-{name}")) == [limit.id]
        assert [each for each in statements if each.startswith("SELECT")] == reads


def test_by_name_and_by_id_it_is_the_same_row(bench: Bench) -> None:
    bench.limit("a")
    with bench.book() as book:
        by_id = book.limit("id-a")
        assert by_id is book.named("a")
        book.take("run", ["id-a"])
        assert by_id is not None
        assert by_id.taken == 1
    with bench.book() as book:
        assert list(book.held_by("run")) == ["id-a"]
        assert book.named("a") is book.limit("id-a")


def test_slots_are_taken_in_memory_and_then_in_the_database(bench: Bench) -> None:
    bench.limit("a", slots=2)
    bench.limit("b")
    with bench.book() as book:
        book.take("run", ["id-a", "id-b"])
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.taken, limit.room == 0, set(book.held_by("run"))) == (1, False, {"id-a", "id-b"})
        assert bench_sees_nothing(book)
        book.take("other", ["id-a"], count=1, expire_time=START + 5)
        assert (limit.taken, limit.room == 0, book.soonest) == (2, True, START + 5)
    assert bench.stored() == {
        ("id-a", "run", 1, None),
        ("id-b", "run", 1, None),
        ("id-a", "other", 1, START + 5),
    }


def bench_sees_nothing(book: SlotBook) -> bool:
    return book._connection.execute(tables.slots.select()).fetchall() == []


def test_what_is_taken_and_given_back_in_one_batch_is_never_written(bench: Bench, statements: list[str]) -> None:
    bench.limit("a", average_occupancy=10 * SECOND)
    statements.clear()
    with bench.book() as book:
        book.take("run", ["id-a"])
        book.give_back("run")
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.taken, list(book.held_by("run")), list(book.freed)) == (0, [], ["id-a"])
    assert bench.stored() == set()
    assert not [each for each in statements if each.startswith(("INSERT INTO slots", "DELETE FROM slots"))]


def test_slots_are_given_back_and_the_limit_learns_how_long_they_were_held(bench: Bench) -> None:
    bench.limit("a", average_occupancy=10 * SECOND)
    bench.slot("id-a", "run", count=2)
    bench.slot("id-a", "other")
    bench.now = START + 20 * SECOND
    with bench.book() as book:
        book.give_back("run")
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.taken, limit.average_occupancy) == (1, 12 * SECOND), "the newest makes a fifth of it"
        assert list(book.freed) == ["id-a"]
        book.give_back("run")
        assert limit.taken == 1, "what is not held is not given back"
    assert bench.stored() == {("id-a", "other", 1, None)}


def test_what_was_given_back_can_be_taken_again_in_the_same_batch(bench: Bench) -> None:
    bench.limit("a", slots=1)
    bench.slot("id-a", "run", expire_time=START + 5)
    with bench.book() as book:
        book.give_back("run")
        book.take("run", ["id-a"])
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.taken, list(book.held_by("run"))) == (1, ["id-a"])
    assert bench.stored() == {("id-a", "run", 1, None)}


def test_a_lease_is_set_and_taken_away(bench: Bench) -> None:
    bench.limit("a")
    bench.slot("id-a", "run")
    with bench.book() as book:
        book.lease("run", START + 5)
        assert book.soonest == START + 5
        book.lease("nobody", START + 1)
        assert book.soonest == START + 5
    assert bench.stored() == {("id-a", "run", 1, START + 5)}
    with bench.book() as book:
        book.lease("run", None)
        assert book.soonest is None
    assert bench.stored() == {("id-a", "run", 1, None)}


def test_a_lease_on_what_was_taken_in_the_same_batch(bench: Bench) -> None:
    bench.limit("a")
    with bench.book() as book:
        book.take("run", ["id-a"])
        book.lease("run", START + 5)
    assert bench.stored() == {("id-a", "run", 1, START + 5)}


def test_what_has_expired_is_free_again(bench: Bench) -> None:
    bench.limit("a", slots=3)
    bench.limit("b")
    bench.slot("id-a", "run", expire_time=START)
    bench.slot("id-a", "other", expire_time=START + 1)
    bench.slot("id-b", "lasting")
    with bench.book() as book:
        assert book.reclaim() == ["run"]
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.taken, list(book.freed)) == (1, ["id-a"])
        assert book.reclaim() == []
    assert bench.stored() == {("id-a", "other", 1, START + 1), ("id-b", "lasting", 1, None)}


def test_what_was_leased_in_this_batch_counts_when_it_is_reclaimed(bench: Bench) -> None:
    bench.limit("a")
    bench.slot("id-a", "run", expire_time=START)
    with bench.book() as book:
        book.lease("run", START + 5)
        book.take("other", ["id-a"], expire_time=START)
        assert book.reclaim() == ["other"]
    assert bench.stored() == {("id-a", "run", 1, START + 5)}


def test_who_is_known_to_hold_nothing_is_not_looked_for(bench: Bench, statements: list[str]) -> None:
    bench.limit("a")
    with bench.book() as book:
        book.load(["a"], ())
        statements.clear()
        book.holds_nothing("run")
        book.take("run", ["id-a"])
        book.holds_nothing("run")
        assert list(book.held_by("run")) == ["id-a"], "what it took since is not forgotten"
        assert statements == []


def test_what_statements_changed_is_read_anew(bench: Bench) -> None:
    bench.limit("a", slots=1)
    with bench.book() as book:
        book.take("run", ["id-a"])
        book.flush()
        limits = tables.concurrency_limits
        book._connection.execute(limits.update().values(slots=5))
        book._connection.execute(tables.slots.delete())
        book.forget()
        limit = book.limit("id-a")
        assert limit is not None
        assert (limit.slots, limit.taken, list(book.held_by("run"))) == (5, 0, [])


def test_slots_of_a_limit_that_is_gone_are_given_back_all_the_same(bench: Bench) -> None:
    bench.slot("id-gone", "run")
    with bench.book() as book:
        assert list(book.held_by("run")) == ["id-gone"]
        book.give_back("run")
        assert list(book.freed) == ["id-gone"]
    assert bench.stored() == set()

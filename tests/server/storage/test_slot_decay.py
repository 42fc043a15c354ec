"""The arithmetic of slots that decay."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.domain.model import LAST_TIME
from antiphon_server.storage import tables
from antiphon_server.storage.slot_book import LimitRow, Slot, SlotBook, _let_decay
from antiphon_server.storage.working_set import Needs, WorkingSet
from effort import examples
from writing import SECOND, START, Writing, new_id

BIGGEST = 2**31 - 1


class _Act:
    def __init__(self, act: Callable[[SlotBook], Any]) -> None:
        self._act = act

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Any:
        return self._act(working_set.slots)


def add_limit(writing: Writing, id: str, slots: int = 5, decay: float = 0.0) -> None:
    row = {
        "id": id,
        "name": id,
        "slots": slots,
        "active": True,
        "slot_decay_per_second": decay,
        "average_occupancy": 0,
        "create_time": START,
        "update_time": START,
        "version": 1,
    }
    with writing.engine.begin() as connection:
        connection.execute(tables.concurrency_limits.insert(), row)


def act(writing: Writing, what: Callable[[SlotBook], Any]) -> Any:
    return writing.do(_Act(what))


def room(writing: Writing, id: str) -> int:
    return int(act(writing, lambda book: book.limit(id).room))


@given(
    decay=st.sampled_from([5e-324, 1e-6, 0.3, 1.0, 3.0, 1e5, 1e7, 1.7e308]) | st.floats(1e-6, 1e6),
    counts=st.lists(st.integers(1, 50) | st.just(BIGGEST), min_size=1, max_size=8),
    gaps=st.lists(st.integers(0, 10**9), min_size=8, max_size=8),
)
@examples(200)
def test_no_two_come_free_together_and_no_time_is_too_late_to_be_told(
    decay: float, counts: list[int], gaps: list[int]
) -> None:
    limit = LimitRow("id", "name", BIGGEST, True, decay, 0)
    now, last = START, 0
    for count, gap in zip(counts, gaps, strict=False):
        now += gap
        slot = Slot("id", "holder", count, now, None)
        _let_decay(limit, slot)
        assert slot.expire_time is not None
        assert slot.decay_interval is not None
        assert slot.decay_interval >= 1
        end = slot.expire_time + (count - 1) * slot.decay_interval
        assert now < slot.expire_time <= end <= LAST_TIME
        if end < LAST_TIME // 2:
            assert last < slot.expire_time
            assert slot.decay_interval >= 1e6 / decay, "the rate is never exceeded"
        assert limit.last_free_time == end
        last = end


def test_several_slots_come_free_one_after_the_other_over_transactions(writing: Writing) -> None:
    add_limit(writing, "rate", slots=5, decay=2.0)
    holder = new_id()
    act(writing, lambda book: book.take(holder, ["rate"], count=3))
    act(writing, lambda book: book.take(new_id(), ["rate"], count=2))
    free = []
    for _ in range(6):
        act(writing, SlotBook.reclaim)
        free.append(room(writing, "rate"))
        writing.now += SECOND // 2
    assert free == [0, 1, 2, 3, 4, 5]


def test_what_is_late_comes_free_all_at_once_and_the_rest_in_its_time(writing: Writing) -> None:
    add_limit(writing, "rate", slots=10, decay=1.0)
    act(writing, lambda book: book.take("holder", ["rate"], count=10))
    writing.now += 7 * SECOND + 1
    assert act(writing, SlotBook.reclaim) == ["holder"]
    slot = writing.row(tables.slots)
    assert (slot.count, slot.expire_time) == (3, START + 8 * SECOND)
    assert writing.changes is not None
    assert writing.changes.slot_expiry == START + 8 * SECOND


def test_slots_that_expire_leave_the_others_of_their_holder_alone(writing: Writing) -> None:
    add_limit(writing, "rate", decay=1.0)
    add_limit(writing, "plain")
    act(writing, lambda book: book.take("holder", ["rate", "plain"]))
    writing.now += SECOND
    act(writing, SlotBook.reclaim)
    assert [row.limit_id for row in writing.rows(tables.slots)] == ["plain"]


def test_a_lease_does_not_touch_what_decays(writing: Writing) -> None:
    add_limit(writing, "rate", decay=1.0)
    add_limit(writing, "plain")

    def both(book: SlotBook) -> None:
        book.take("holder", ["rate", "plain"], expire_time=START + 60 * SECOND)
        book.lease("holder", START + 90 * SECOND)

    act(writing, both)
    times = {row.limit_id: row.expire_time - START for row in writing.rows(tables.slots)}
    assert times == {"rate": SECOND, "plain": 90 * SECOND}
    act(writing, lambda book: book.give_back("holder", decaying=False))
    assert [row.limit_id for row in writing.rows(tables.slots)] == ["rate"]


@pytest.mark.parametrize("written", [False, True])
def test_what_is_given_back_in_part_and_then_all_is_gone(writing: Writing, written: bool) -> None:
    add_limit(writing, "rate", slots=3, decay=1.0)
    act(writing, lambda book: book.take("holder", ["rate"], count=3))
    writing.now += SECOND

    def rest(book: SlotBook) -> int:
        book.reclaim()
        if written:
            book.flush()
        book.give_back("holder")
        limit = book.limit("rate")
        assert limit is not None
        return limit.taken

    assert act(writing, rest) == 0
    assert writing.rows(tables.slots) == []

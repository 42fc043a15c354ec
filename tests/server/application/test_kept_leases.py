"""What the database says of leases whose time another storage keeps, at times that a test sets."""

import pytest

from antiphon_server.application.kept_leases import DURATIONS, BeginEpoch, EndOverdue, KeepLease
from antiphon_server.application.leases import AcquireSlots, ReleaseSlots, RenewSlots
from antiphon_server.application.limits import CreateConcurrencyLimit
from antiphon_server.application.sessions import ForgiveDowntime
from antiphon_server.application.time_travel import KeepAlive
from antiphon_server.domain.errors import NotFound
from antiphon_server.domain.leases import Lease
from antiphon_server.storage import tables
from writing import SECOND, Writing, new_id

DURATION = 60 * SECOND


def kept(writing: Writing) -> Lease:
    """A lease of the one slot of db, renewed once."""
    if not writing.rows(tables.concurrency_limits):
        writing.do(CreateConcurrencyLimit("db", 1, True, 0.0))
    wish = Lease(new_id(), ("db",), 1, 0, False, "", None, None, b"", DURATION)
    lease: Lease = writing.do(AcquireSlots(wish, waits=False))
    assert lease.given_until == writing.now + DURATION
    return again(writing, lease.id)


def again(writing: Writing, id: str, duration: int | None = None, *, over: bool = False) -> Lease:
    lease = writing.do(KeepLease(id, duration, over))
    assert isinstance(lease, Lease)
    return lease


def told(writing: Writing) -> dict[str, bool]:
    assert writing.changes is not None
    return writing.changes.kept_leases


def test_it_is_surely_given_for_its_duration_and_ends_after_several_at_the_latest(writing: Writing) -> None:
    lease = kept(writing)
    assert (lease.sure_time, lease.expire_time) == (writing.now + DURATION, writing.now + DURATIONS * DURATION)
    (slot,) = writing.rows(tables.slots)
    assert slot.expire_time == lease.expire_time


def test_when_it_ends_at_the_latest_is_never_put_back(writing: Writing) -> None:
    lease = kept(writing)
    for shorter in (KeepLease(lease.id, SECOND, over=False), RenewSlots(lease.id, SECOND), RenewSlots(lease.id, None)):
        writing.now += SECOND // 2
        renewed = writing.do(shorter)
        assert (renewed.sure_time, renewed.expire_time) == (writing.now + SECOND, lease.expire_time)
        assert renewed.given_until == renewed.sure_time


def test_others_hear_of_a_new_duration_and_of_the_end_and_of_nothing_else(writing: Writing) -> None:
    id = kept(writing).id
    assert told(writing) == {}
    again(writing, id)
    assert told(writing) == {}
    again(writing, id, 2 * DURATION)
    assert told(writing) == {id: True}
    writing.do(RenewSlots(id, DURATION))
    assert told(writing) == {id: True}
    writing.do(ReleaseSlots(id))
    assert told(writing) == {id: False}


def test_one_that_is_over_elsewhere_is_so_here_only_after_the_time_that_is_sure(writing: Writing) -> None:
    lease = kept(writing)
    writing.now += DURATION - 1
    again(writing, lease.id, over=True)
    writing.now += DURATION
    assert writing.do(KeepLease(lease.id, None, over=True)) is None
    assert (writing.rows(tables.slots), told(writing)) == ([], {lease.id: False})
    with pytest.raises(NotFound):
        writing.do(KeepLease(lease.id, None, over=False))


def test_who_asks_for_it_again_gets_it_with_a_time_that_holds(writing: Writing) -> None:
    writing.do(CreateConcurrencyLimit("db", 1, True, 0.0))
    wish = Lease(new_id(), ("db",), 1, 0, False, "", None, new_id(), b"", DURATION)
    writing.do(AcquireSlots(wish, waits=False))
    again(writing, wish.id)
    writing.now += 2 * DURATION
    lease = writing.do(AcquireSlots(wish, waits=False))
    assert (lease.id, lease.given_until) == (wish.id, writing.now + DURATION)
    assert writing.do(KeepLease(wish.id, None, over=True)).sure_time == lease.sure_time


def test_overdue_ones_are_ended_by_who_knows_the_storage_as_it_is(writing: Writing) -> None:
    assert writing.do(BeginEpoch("one")) == ({}, True)
    lease = kept(writing)
    assert writing.do(EndOverdue("one", [lease.id, new_id()])) == {lease.id: DURATION}
    writing.now += DURATION
    assert writing.do(BeginEpoch("two")) == ({lease.id: DURATION}, True)
    assert writing.changes is not None and writing.changes.lease_epoch == "two"
    assert writing.do(EndOverdue("one", [lease.id])) is None
    assert writing.do(BeginEpoch("two")) == ({lease.id: DURATION}, False)
    assert writing.changes.lease_epoch is None
    assert writing.do(EndOverdue("two", [lease.id])) == {}
    assert writing.rows(tables.slot_leases) == []


def test_what_was_down_is_forgiven_and_a_clock_that_is_put_forward_takes_nothing(writing: Writing) -> None:
    lease = kept(writing)
    writing.do(KeepAlive(30 * SECOND, 3600 * SECOND))
    writing.now += 3600 * SECOND
    assert writing.row(tables.slot_leases, id=lease.id).sure_time == writing.now + DURATION
    writing.now += DURATION
    writing.do(ForgiveDowntime(30 * SECOND))
    assert writing.row(tables.slot_leases, id=lease.id).sure_time == writing.now + 30 * SECOND

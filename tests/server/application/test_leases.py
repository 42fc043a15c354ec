"""Leases of slots in the writer's transactions, at times that a test sets."""

from typing import Any

import pytest

from antiphon_server.application.deadlines import ReclaimSlots
from antiphon_server.application.leases import AcquireSlots, ForgetWaitingCalls, ReleaseSlots, RenewSlots, StopWaiting
from antiphon_server.application.limits import (
    CreateConcurrencyLimit,
    DeleteConcurrencyLimit,
    ResetConcurrencyLimit,
    UpdateConcurrencyLimit,
)
from antiphon_server.application.sessions import ExpireSessions, ForgiveDowntime, OpenSession, SpeakOnSession
from antiphon_server.domain.errors import AntiphonError, NotFound
from antiphon_server.domain.leases import Lease
from antiphon_server.domain.states import COMPLETED, RUNNING
from antiphon_server.storage import tables
from writing import SECOND, TASK_RUN, Writing, new_id, propose


def limit(writing: Writing, name: str = "db", slots: int = 1, decay: float = 0.0) -> str:
    return str(writing.do(CreateConcurrencyLimit(name, slots, True, decay)))


def ask(*names: str, waits: bool = True, **fields: Any) -> AcquireSlots:
    values: dict[str, Any] = {
        "slots": 1,
        "priority": 0,
        "strict": False,
        "holder": "",
        "session_id": None,
        "request_id": None,
        "digest": b"same",
        "duration": 60 * SECOND,
    }
    return AcquireSlots(Lease(new_id(), names or ("db",), **{**values, **fields}), waits)


def take(writing: Writing, *names: str, **fields: Any) -> Any:
    """The lease, or None where it waits."""
    return writing.do(ask(*names, **fields))


def wait(writing: Writing, *names: str, **fields: Any) -> str:
    """Waits, and gives the id of the lease to come."""
    asked = ask(*names, **fields)
    assert writing.do(asked) is None
    return asked.lease.id


def told(writing: Writing) -> dict[str, Any]:
    """What became of those who waited in the last transaction: True for a lease, or the reason why there is none."""
    assert writing.changes is not None
    return {id: answer.reason if isinstance(answer, AntiphonError) else True for id, answer in writing.changes.leases}


def refusal(writing: Writing, operation: Any) -> AntiphonError:
    before = writing.everything()
    with pytest.raises(AntiphonError) as refused:
        writing.do(operation)
    assert writing.everything() == before
    return refused.value


def taken(writing: Writing) -> dict[str, int]:
    """Slots in use by the name of their limit."""
    names = {row.id: row.name for row in writing.rows(tables.concurrency_limits)}
    found = dict.fromkeys(names.values(), 0)
    for row in writing.rows(tables.slots):
        found[names[row.limit_id]] += row.count
    return found


def test_slots_of_all_names_or_of_none(writing: Writing) -> None:
    limit(writing, "a", 2)
    limit(writing, "b", 1)
    lease = take(writing, "a", "b", "unlimited")
    assert lease.expire_time == writing.now + 60 * SECOND
    assert taken(writing) == {"a": 1, "b": 1}
    error = refusal(writing, ask("a", "b", waits=False))
    assert (error.reason, "b has 0 of 1" in error.message, error.retry_after is not None) == (
        "NO_SLOT_FREE",
        True,
        True,
    )
    assert taken(writing) == {"a": 1, "b": 1}
    writing.do(ReleaseSlots(lease.id))
    writing.do(ReleaseSlots(lease.id))
    assert taken(writing) == {"a": 0, "b": 0}
    assert writing.rows(tables.slot_leases) == []


def test_who_waits_is_served_by_priority_and_in_turn_when_slots_are_released(writing: Writing) -> None:
    limit(writing)
    holder = take(writing).id
    first, second, urgent = wait(writing), wait(writing), wait(writing, priority=5)
    for next_ in (urgent, first, second):
        writing.do(ReleaseSlots(holder))
        assert told(writing) == {next_: True}
        assert [row.holder_id for row in writing.rows(tables.slots)] == [next_]
        assert writing.row(tables.slot_leases, id=next_).expire_time == writing.now + 60 * SECOND
        holder = next_
    assert writing.rows(tables.slot_waiters) == []


def test_nobody_passes_one_that_needs_more_slots_than_are_free(writing: Writing) -> None:
    limit(writing, slots=3)
    one, two = take(writing).id, take(writing).id
    big = wait(writing, slots=3)
    small = wait(writing)
    error = refusal(writing, ask(waits=False))
    assert "1 needed and others were there before" in error.message
    assert take(writing, priority=1) is not None
    writing.do(ReleaseSlots(one))
    assert told(writing) == {}
    # Once the big one has gone, those behind it pass.
    writing.do(StopWaiting(big))
    assert told(writing) == {small: True}
    writing.do(ReleaseSlots(two))
    assert taken(writing) == {"db": 2}


def test_one_that_is_served_lets_pass_whom_it_held_up_elsewhere(writing: Writing) -> None:
    limit(writing, "a", 1)
    limit(writing, "b", 3)
    of_a, of_b = take(writing, "a").id, take(writing, "b", slots=2).id
    both = wait(writing, "a", "b", slots=1)
    big = wait(writing, "b", slots=2, priority=1)
    behind = wait(writing, "b")
    writing.do(ReleaseSlots(of_a))
    assert told(writing) == {}, "the big one is before both on b"
    writing.do(ReleaseSlots(of_b))
    assert told(writing) == {big: True, both: True}
    assert taken(writing) == {"a": 1, "b": 3}
    writing.do(ReleaseSlots(both))
    assert told(writing) == {behind: True}


def test_runs_and_leases_stand_in_one_queue(writing: Writing) -> None:
    limit(writing, "tag:x")
    session = writing.do(OpenSession("", 60 * SECOND)).id
    run = writing.flow_run()
    writing.propose(run, RUNNING)
    holder, waiting = (writing.task_run(run, tags=["x"]) for _ in range(2))
    writing.propose(holder, RUNNING, TASK_RUN)
    lease = wait(writing, "tag:x")
    assert writing.propose(waiting, RUNNING, TASK_RUN, session_id=session).kind.name == "WAIT"
    writing.propose(holder, COMPLETED, TASK_RUN)
    assert told(writing) == {lease: True}
    released, again = writing.together(ReleaseSlots(lease), propose(waiting, RUNNING, TASK_RUN))
    assert (released, again.kind.name) == (None, "ACCEPT")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (ask("zero"), "LIMIT_IS_ZERO"),
        (ask("db", slots=2), "SLOTS_EXCEED_LIMIT"),
        (ask("unknown", strict=True), "CONCURRENCY_LIMIT_NOT_FOUND"),
        (ask("deployment:x"), "LIMIT_NAME_RESERVED"),
        (ask("work-pool:x"), "LIMIT_NAME_RESERVED"),
        (ask("db", session_id=new_id()), "RESUME_TOKEN_INVALID"),
    ],
)
def test_what_can_never_be_served_is_refused(writing: Writing, asked: AcquireSlots, reason: str) -> None:
    limit(writing, "zero", 0)
    limit(writing)
    assert refusal(writing, asked).reason == reason


def test_changes_of_a_limit_tell_those_who_wait(writing: Writing) -> None:
    id = limit(writing, slots=3)
    take(writing, slots=3)
    big = wait(writing, slots=3)
    two, one, zero = (wait(writing, slots=slots, strict=True) for slots in (2, 1, 1))
    writing.do(UpdateConcurrencyLimit(id, "", {"slots": 2}))
    assert told(writing) == {big: "SLOTS_EXCEED_LIMIT"}
    writing.do(UpdateConcurrencyLimit(id, "", {"slots": 5}))
    assert told(writing) == {two: True}
    writing.do(UpdateConcurrencyLimit(id, "", {"slots": 6}))
    assert told(writing) == {one: True}
    writing.do(UpdateConcurrencyLimit(id, "", {"slots": 0}))
    assert told(writing) == {zero: "LIMIT_IS_ZERO"}
    writing.do(UpdateConcurrencyLimit(id, "", {"slots": 6}))
    strict, lax = wait(writing, strict=True), wait(writing)
    writing.do(DeleteConcurrencyLimit(id, ""))
    assert told(writing) == {strict: "CONCURRENCY_LIMIT_NOT_FOUND", lax: True}
    assert writing.rows(tables.slot_waiters) == []
    assert {row.id for row in writing.rows(tables.slot_leases)} >= {two, one, lax}


def test_an_inactive_limit_bounds_nobody_and_a_reset_one_is_empty(writing: Writing) -> None:
    id = limit(writing)
    first, second = take(writing).id, wait(writing)
    writing.do(UpdateConcurrencyLimit(id, "", {"active": False}))
    assert told(writing) == {second: True}
    assert take(writing, slots=7) is not None
    writing.do(UpdateConcurrencyLimit(id, "", {"active": True}))
    third = wait(writing)
    writing.do(ResetConcurrencyLimit(id))
    assert told(writing) == {third: True}
    # Who held one is told so, and gives back what it has: nothing.
    with pytest.raises(NotFound, match="there is no lease"):
        writing.do(RenewSlots(first, None))
    writing.do(ReleaseSlots(first))
    assert taken(writing) == {"db": 1}


def test_a_renewed_lease_lasts_from_now_and_one_that_has_ended_is_gone(writing: Writing) -> None:
    limit(writing)
    lease = take(writing, duration=10 * SECOND)
    writing.now += 9 * SECOND
    renewed = writing.do(RenewSlots(lease.id, None))
    assert renewed.expire_time == writing.now + 10 * SECOND == writing.row(tables.slots).expire_time
    assert writing.changes is not None
    assert writing.changes.slot_expiry == renewed.expire_time
    writing.now += 9 * SECOND
    assert writing.do(RenewSlots(lease.id, 100 * SECOND)).expire_time == writing.now + 100 * SECOND
    writing.now += 100 * SECOND
    assert refusal(writing, RenewSlots(lease.id, None)).reason == "LEASE_NOT_FOUND"
    assert refusal(writing, RenewSlots(new_id(), None)).reason == "LEASE_NOT_FOUND"
    waiting = wait_behind(writing)
    assert refusal(writing, RenewSlots(waiting, None)).reason == "LEASE_NOT_FOUND"


def wait_behind(writing: Writing) -> str:
    """One that waits behind a new lease, which gets what time has freed."""
    assert take(writing) is not None
    return wait(writing)


def test_a_lease_that_is_not_renewed_goes_to_the_next_one(writing: Writing) -> None:
    limit(writing)
    take(writing, duration=10 * SECOND)
    second, third = wait(writing, duration=5 * SECOND), wait(writing)
    writing.now += 10 * SECOND - 1
    assert writing.do(ReclaimSlots()) == writing.now + 1
    assert told(writing) == {}
    writing.now += 1
    assert writing.do(ReclaimSlots()) is None, "the next expiry comes with the hand-over"
    assert told(writing) == {second: True}
    assert writing.changes is not None
    assert writing.changes.slot_expiry == writing.now + 5 * SECOND
    writing.now += 5 * SECOND
    # Who asks finds that as well, and those before it first.
    assert take(writing) is None
    assert told(writing) == {third: True}
    assert [row.id for row in writing.rows(tables.slot_leases) if row.expire_time is not None] == [third]


def test_a_lease_without_any_limit_ends_with_its_time(writing: Writing) -> None:
    lease = take(writing, "nothing")
    assert writing.changes is not None
    assert writing.changes.slot_expiry == lease.expire_time
    assert writing.do(ReclaimSlots()) == lease.expire_time
    writing.now = lease.expire_time
    assert writing.do(ReclaimSlots()) is None
    assert writing.rows(tables.slot_leases) == []


@pytest.mark.parametrize("how", ["goodbye", "lost"])
def test_leases_end_with_their_session(writing: Writing, how: str) -> None:
    limit(writing, slots=2)
    limit(writing, "other")
    session = writing.do(OpenSession("", 60 * SECOND)).id
    tied, free = take(writing, session_id=session).id, take(writing).id
    take(writing, "other")
    waits, behind = wait(writing, "other", session_id=session), wait(writing)
    if how == "goodbye":
        writing.do(SpeakOnSession(session, 1, 60 * SECOND, goodbye=True))
    else:
        writing.do(RenewSlots(free, 1000 * SECOND))
        writing.now += 61 * SECOND
        assert writing.do(ExpireSessions(writing.now)) == [session]
    assert told(writing) == {waits: "SESSION_EXPIRED", behind: True}
    assert refusal(writing, RenewSlots(tied, None)).reason == "LEASE_NOT_FOUND"
    assert {row.holder_id for row in writing.rows(tables.slots)} >= {free, behind}
    writing.do(ReclaimSlots())
    assert refusal(writing, ask(session_id=session)).reason == "SESSION_EXPIRED"


def test_the_same_request_gets_its_lease_again_while_that_lasts(writing: Writing) -> None:
    limit(writing, slots=3)
    request = new_id()
    first = take(writing, request_id=request)
    writing.now += SECOND
    assert take(writing, request_id=request) == first
    assert refusal(writing, ask(request_id=request, digest=b"other")).reason == "REQUEST_ID_REUSED"
    assert taken(writing) == {"db": 1}
    writing.do(ReleaseSlots(first.id))
    assert take(writing, request_id=request).id != first.id


def test_a_call_that_goes_away_leaves_nothing_behind(writing: Writing) -> None:
    limit(writing)
    given = take(writing).id
    waiting = wait(writing)
    assert writing.do(StopWaiting(waiting)) is None
    assert writing.do(StopWaiting(given)).id == given
    assert writing.do(StopWaiting(given, abandoned=True)) is None
    assert writing.do(StopWaiting(given, abandoned=True)) is None
    assert (taken(writing), writing.rows(tables.slot_leases)) == ({"db": 0}, [])
    assert writing.rows(tables.slot_waiters) == []


def test_a_new_server_forgets_who_waited_and_keeps_leases_for_as_long_as_a_session(writing: Writing) -> None:
    limit(writing, slots=1)
    limit(writing, "rate", 1, decay=1.0)
    lease = take(writing, "db", "rate").id
    waiting = wait(writing)
    writing.now += 1000 * SECOND
    writing.do(ForgiveDowntime(30 * SECOND))
    writing.do(ForgetWaitingCalls())
    assert told(writing) == {waiting: "SERVER_AWAY"}
    assert writing.rows(tables.slot_waiters) == []
    assert writing.row(tables.slot_leases).expire_time == writing.now + 30 * SECOND
    writing.do(ReclaimSlots())
    # What decays does so by time alone, with or without a server.
    assert taken(writing) == {"db": 1, "rate": 0}
    assert writing.do(RenewSlots(lease, None)).id == lease


def test_slots_that_decay_come_free_one_by_one_whatever_their_holder_does(writing: Writing) -> None:
    limit(writing, "rate", 4, decay=0.5)
    lease = take(writing, "rate", slots=4, duration=3 * SECOND)
    start = writing.now
    waiting = [wait(writing, "rate") for _ in range(3)]
    for seconds, free in [(1.9, []), (2, waiting[:1]), (5.9, waiting[1:2]), (6, waiting[2:])]:
        writing.now = start + round(seconds * SECOND)
        writing.do(ReclaimSlots())
        assert told(writing) == dict.fromkeys(free, True)
    # The lease ended after 3 s; its last slot is taken for 8 s all the same, and the others' follow behind it.
    assert lease.id not in {row.id for row in writing.rows(tables.slot_leases)}
    assert taken(writing) == {"rate": 4}
    assert sorted(row.expire_time - start for row in writing.rows(tables.slots)) == [
        seconds * SECOND for seconds in (8, 10, 12, 14)
    ]


def test_slots_that_decay_are_given_back_by_a_release(writing: Writing) -> None:
    limit(writing, "rate", 1, decay=0.001)
    lease = take(writing, "rate").id
    error = refusal(writing, ask("rate", waits=False))
    assert error.retry_after == 1000 * SECOND
    writing.do(ReleaseSlots(lease))
    assert taken(writing) == {"rate": 0}

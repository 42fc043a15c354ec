"""Slots that programs take by name: given, waited for and given back, within the transaction of whoever causes it."""

from collections.abc import Sequence

from antiphon_server.domain.errors import AntiphonError, FailedPrecondition
from antiphon_server.domain.leases import Lease, never_served, no_such_limit
from antiphon_server.domain.model import RunKind
from antiphon_server.storage.slot_book import LimitRow
from antiphon_server.storage.waiting import LEASE, Claimant, Waiter
from antiphon_server.storage.working_set import WorkingSet


def limits_of(working_set: WorkingSet, lease: Lease, *, waited: bool) -> list[LimitRow]:
    """The limits whose slots a lease needs.

    Raises what `never_served` says, and NotFound (CONCURRENCY_LIMIT_NOT_FOUND) for a name without a limit under strict.
    """
    book = working_set.slots
    book.load(lease.names, ())
    limits = []
    for name in lease.names:
        limit = book.named(name)
        if limit is None:
            if lease.strict:
                raise no_such_limit(name)
            continue
        if not limit.active:
            continue
        never = never_served(lease, name, limit.slots, waited=waited)
        if never is not None:
            raise never
        limits.append(limit)
    return limits


def lacking(working_set: WorkingSet, lease: Lease, limits: Sequence[LimitRow]) -> list[LimitRow]:
    """Those of its limits that cannot serve it now: too few slots are free, or those are meant for somebody before
    it."""
    waiting = working_set.waiting
    place = waiting.place_of(lease.id)
    return [
        limit
        for limit in limits
        if limit.room < lease.slots or waiting.blocked(limit.id, limit.room, lease.priority, place)
    ]


def give(working_set: WorkingSet, lease: Lease, limits: Sequence[LimitRow]) -> None:
    """Takes the slots, which must be free, and starts the time of a lease whose row is there."""
    lease.expire_time = working_set.now + lease.duration
    working_set.slots.take(lease.id, [limit.id for limit in limits], count=lease.slots, expire_time=lease.expire_time)
    # Also of one that has no slots, since no name of it has a limit.
    working_set.slots.expects(lease.expire_time)
    working_set.leases.change(lease)


def wait(working_set: WorkingSet, lease: Lease, limits: Sequence[LimitRow]) -> None:
    """Queues for slots, or keeps its place."""
    claimant = Claimant(LEASE, lease.id, lease.priority, lease.slots)
    working_set.waiting.join(lease.id, claimant, [limit.id for limit in limits])


def serve(working_set: WorkingSet, waiter: Waiter, *, looking_at: str | None = None) -> None:
    """Gives a lease that is waited for, if all its limits can serve it; else it goes on waiting, or learns why it need
    not. `looking_at` is the limit whose queue is looked through anyhow."""
    lease = working_set.leases.find(waiter.id)
    if lease is None or lease.expire_time is not None:
        working_set.waiting.leave(waiter.id)
        return
    try:
        limits = limits_of(working_set, lease, waited=True)
    except AntiphonError as error:
        disappoint(working_set, lease, error, looking_at)
        return
    if lacking(working_set, lease, limits):
        wait(working_set, lease, limits)
        return
    give(working_set, lease, limits)
    _leave(working_set, lease, looking_at)
    working_set.changes.leases.append((lease.id, lease))


def refuse_hopeless(working_set: WorkingSet, limit_id: str, most: int) -> None:
    """Tells the first `most` of those who wait for more slots than a limit has by now. Others hear of it in their
    turn."""
    limit = working_set.slots.limit(limit_id)
    if limit is not None and limit.active:
        for waiter in working_set.waiting.asking_more(limit_id, limit.slots, most):
            serve(working_set, waiter)


def end(working_set: WorkingSet, lease: Lease, *, decaying: bool, looking_at: str | None = None) -> None:
    """Ends a lease: whoever waits for it leaves the queue, its slots are free. Without `decaying` those that decay stay
    taken for their time."""
    working_set.slots.give_back(lease.id, decaying=decaying)
    if lease.expire_time is None:
        _leave(working_set, lease, looking_at)
    working_set.leases.remove(lease.id)


def disappoint(working_set: WorkingSet, lease: Lease, error: AntiphonError, looking_at: str | None = None) -> None:
    """Ends what is waited for, and has whoever waits learn why."""
    end(working_set, lease, decaying=True, looking_at=looking_at)
    working_set.changes.leases.append((lease.id, error))


def end_of_session(working_set: WorkingSet, session_id: str) -> None:
    """Ends what is tied to a session that has ended."""
    for lease in working_set.leases.of_session(session_id):
        if lease.expire_time is None:
            why = f"session {session_id} ended while it waited for slots of {', '.join(lease.names)}; open a new one"
            disappoint(working_set, lease, FailedPrecondition("SESSION_EXPIRED", why))
        else:
            end(working_set, lease, decaying=False)


def reclaim(working_set: WorkingSet) -> None:
    """Ends leases and frees slots whose time is over."""
    for lease in working_set.leases.expired(working_set.now):
        end(working_set, lease, decaying=False)
    holders = set(working_set.slots.reclaim())
    if not holders:
        return
    for kind in RunKind:
        working_set.load_runs(kind, holders)
        for id in sorted(holders):
            run = working_set.run(kind, id)
            if run is not None and run.holds_slots and not working_set.slots.held_by(id):
                run.holds_slots = False
                working_set.touch(run)


def _leave(working_set: WorkingSet, lease: Lease, looking_at: str | None) -> None:
    """Leaves the queues. Who stood behind may pass now, so it is as if slots came free."""
    for limit_id in working_set.waiting.limits_of(lease.id):
        if limit_id != looking_at:
            working_set.slots.freed[limit_id] = None
    working_set.waiting.leave(lease.id)

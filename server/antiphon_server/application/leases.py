"""Operations of leases: slots that a program acquires by name, keeps, and gives back."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from antiphon_server.application import leasing
from antiphon_server.application.handing_over import MOST, hand_over_freed, serve_queue
from antiphon_server.application.sessions import find_session
from antiphon_server.domain.errors import AlreadyExists, ResourceExhausted, Unavailable
from antiphon_server.domain.facts import Limit
from antiphon_server.domain.leases import Lease, check_names, lease_not_found, no_decay
from antiphon_server.domain.sessions import check_alive
from antiphon_server.domain.slots import guess
from antiphon_server.storage.slot_book import LimitRow
from antiphon_server.storage.waiting import Unserved
from antiphon_server.storage.working_set import Needs, WorkingSet

_AWAY = "the server of this call was not heard of for a while, and its place in the queue was given up; ask again"


@dataclass(slots=True)
class AcquireSlots:
    """Gives the lease, or None where it waits for its turn, of which `Changes.leases` will tell. What time has freed
    goes to those who came before, also where it raises.

    Raises what `check_names`, `leasing.limits_of`, `find_session` and `check_alive` raise, AlreadyExists
    (REQUEST_ID_REUSED), FailedPrecondition (LIMIT_DOES_NOT_DECAY), and ResourceExhausted (NO_SLOT_FREE) where it is
    not to wait.
    """

    lease: Lease
    waits: bool
    #: Only of limits whose slots come free by themselves.
    must_decay: bool = False

    def needs(self, needs: Needs) -> None:
        if self.lease.session_id is not None:
            needs.sessions.add(self.lease.session_id)

    def apply(self, working_set: WorkingSet) -> Lease | None:
        # A copy, since a transaction that fails may be tried again.
        lease = copy(self.lease)
        known = working_set.leases.of_request(lease.request_id) if lease.request_id is not None else None
        if known is not None and known.digest != lease.digest:
            raise reused(known.request_id)
        # Who asks finds what time has freed, once those have been served who came before. It may have ended the lease.
        leasing.reclaim(working_set)
        hand_over_freed(working_set)
        known = working_set.leases.find(known.id) if known is not None else None
        if known is not None and known.expire_time is not None:
            return known
        if known is not None:
            # A call that went away and could not say so.
            leasing.end(working_set, known, decaying=True)
        self._check(working_set, lease)
        limits = leasing.limits_of(working_set, lease, waited=False)
        for limit in limits:
            if self.must_decay and limit.slot_decay_per_second == 0:
                raise no_decay(limit.name)
        lacking = leasing.lacking(working_set, lease, limits)
        if lacking and not self.waits:
            raise _none_free(lease, lacking, working_set.now)
        lease.create_time, lease.server_id = working_set.now, working_set.server_id
        working_set.leases.add(lease)
        if lacking:
            leasing.wait(working_set, lease, limits)
            return None
        leasing.give(working_set, lease, limits)
        return lease

    def _check(self, working_set: WorkingSet, lease: Lease) -> None:
        check_names(lease)
        if lease.session_id is not None:
            check_alive(find_session(working_set, lease.session_id))


@dataclass(slots=True)
class RenewSlots:
    """Has a lease last from now on for `duration`, or as long as the last time. Raises NotFound (LEASE_NOT_FOUND)."""

    id: str
    duration: int | None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Lease:
        lease = working_set.leases.find(self.id)
        if lease is None or lease.expire_time is None or lease.expire_time <= working_set.now:
            raise lease_not_found(self.id)
        lease.duration = self.duration if self.duration is not None else lease.duration
        lease.expire_time = working_set.now + lease.duration
        working_set.leases.change(lease)
        working_set.slots.lease(lease.id, lease.expire_time)
        working_set.slots.expects(lease.expire_time)
        return lease


@dataclass(slots=True)
class ReleaseSlots:
    """Ends a lease, if it has not ended: that with an id, or that of the call with a request id, given or not."""

    id: str
    acquire_request_id: str = ""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        leases = working_set.leases
        if self.acquire_request_id:
            lease = leases.of_request(self.acquire_request_id)
        else:
            lease = leases.find(self.id)
            if lease is not None and lease.expire_time is None:
                return
        if lease is not None:
            leasing.end(working_set, lease, decaying=True)


@dataclass(slots=True)
class StopWaiting:
    """Leaves the queue. The answer is the lease where it was given before, else None."""

    id: str
    #: Nobody would hear of it: a lease that was given is taken back.
    abandoned: bool = False

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Lease | None:
        lease = working_set.leases.find(self.id)
        if lease is None:
            return None
        if lease.expire_time is not None and not self.abandoned:
            return lease
        leasing.end(working_set, lease, decaying=True)
        return None


@dataclass(slots=True)
class ForgetWaitingCalls:
    """Forgets who waited with a call to a server that is no more: the call is gone, and its client asks again. Is that
    server there nevertheless, it hears of it, and so does the client."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        for lease in working_set.leases.waiting_nowhere():
            leasing.disappoint(working_set, lease, Unavailable("SERVER_AWAY", _AWAY))


@dataclass(slots=True)
class QueuesForSlots:
    """All queues for slots, to be looked through from their beginnings."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Sequence[Unserved]:
        working_set.flush()
        return [Unserved(limit_id, None, everyone=True) for limit_id in working_set.waiting.limits()]


@dataclass(slots=True)
class HandOn:
    """Goes on with a queue that was left unserved. The answer is what is left of it, or None at its end."""

    queue: Unserved

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Unserved | None:
        working_set.flush()
        return serve_queue(working_set, self.queue, MOST)


def reused(request_id: str | None) -> AlreadyExists:
    return AlreadyExists(
        "REQUEST_ID_REUSED",
        f"request_id {request_id} was used before for another request; make a new one",
        field="request_id",
    )


def _none_free(lease: Lease, lacking: Sequence[LimitRow], now: int) -> ResourceExhausted:
    told = "; ".join(f"{limit.name} has {limit.room} of {limit.slots} slots free" for limit in lacking)
    behind = " and others were there before" if any(limit.room >= lease.slots for limit in lacking) else ""
    return ResourceExhausted(
        "NO_SLOT_FREE",
        f"{told}, {lease.slots} needed{behind}; ask again later, or say with wait_timeout how long to wait",
        retry_after=max(_until_free(limit, lease.id, now) for limit in lacking),
    )


def _until_free(row: LimitRow, seed: str, now: int) -> int:
    """Microseconds until a slot is free by time, where slots decay, or a guess at when a holder frees one."""
    if row.slot_decay_per_second > 0 and row.next_free_time is not None:
        return max(row.next_free_time - now, 0)
    return guess(Limit(row.id, row.name, row.slots, average_occupancy=row.average_occupancy), seed)

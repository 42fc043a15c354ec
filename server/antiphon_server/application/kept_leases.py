"""Leases whose time is kept elsewhere than in the database, so that most renewals cost it nothing.

Who holds what stays the database's to say. Of such a lease it knows two times: until when it is surely given, and when
it ends at the latest, several durations ahead. In between the other storage knows better. Where that has lost what it
knew, or nobody reaches it, a lease lasts longer than its holder asked for, and never shorter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from antiphon_server.application import leasing
from antiphon_server.domain.leases import Lease
from antiphon_server.storage.tables import meta
from antiphon_server.storage.working_set import Needs, WorkingSet

#: So many durations after it was renewed in the database a lease ends at the latest.
DURATIONS = 10
#: The row of `meta` that says by what the other storage is known.
_EPOCH = "lease_epoch"


def renew(working_set: WorkingSet, lease: Lease, duration: int | None, *, durations: int = 1) -> None:
    """Has a lease surely last for `duration`, or as long as the last time, and end after so many durations at the
    latest. That is never put back: servers rely on it."""
    assert lease.expire_time is not None
    if duration is not None and duration != lease.duration:
        if lease.sure_time is not None:
            working_set.changes.kept_leases[lease.id] = True
        lease.duration = duration
    lease.sure_time = working_set.now + lease.duration
    leasing.extend(working_set, lease, max(working_set.now + durations * lease.duration, lease.expire_time))


@dataclass(slots=True)
class KeepLease:
    """Renews a lease in the database, for `duration` or as long as the last time, and far enough ahead for many
    renewals that the other storage does alone. The answer is None where this was its end.

    Raises NotFound (LEASE_NOT_FOUND).
    """

    id: str
    duration: int | None
    #: Whether the other storage says that its time was over.
    over: bool

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Lease | None:
        lease = leasing.given(working_set, self.id)
        if self.over and lease.sure_time is not None and lease.sure_time <= working_set.now:
            leasing.end(working_set, lease, decaying=False)
            return None
        renew(working_set, lease, self.duration, durations=DURATIONS)
        return lease


@dataclass(slots=True)
class EndOverdue:
    """Ends those of these leases that are over, as the other storage says. The answer has those that are not, and for
    how long they surely go on; it is None where the database knows that storage by another epoch by now."""

    epoch: str
    ids: Sequence[str]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Mapping[str, int] | None:
        if _epoch(working_set) != self.epoch:
            return None
        going_on: dict[str, int] = {}
        for lease in filter(None, map(working_set.leases.find, self.ids)):
            if lease.sure_time is None:
                continue
            if lease.sure_time > working_set.now:
                going_on[lease.id] = lease.sure_time - working_set.now
            else:
                leasing.end(working_set, lease, decaying=False)
        return going_on


@dataclass(slots=True)
class BeginEpoch:
    """From now on the other storage is known by `epoch`. The answer has the durations of the leases that it should
    know, by their ids, and whether it was known by another epoch before."""

    epoch: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> tuple[Mapping[str, int], bool]:
        known = _epoch(working_set)
        if known != self.epoch:
            value = {"value": self.epoch.encode()}
            if known is None:
                working_set.connection.execute(meta.insert(), {"key": _EPOCH, **value})
            else:
                working_set.connection.execute(meta.update().where(meta.c.key == _EPOCH).values(value))
            working_set.changes.lease_epoch = self.epoch
        return {lease.id: lease.duration for lease in working_set.leases.kept_elsewhere()}, known != self.epoch


def _epoch(working_set: WorkingSet) -> str | None:
    value = working_set.connection.execute(select(meta.c.value).where(meta.c.key == _EPOCH)).scalar_one_or_none()
    return value.decode() if value is not None else None

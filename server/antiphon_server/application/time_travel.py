"""A clock that a test puts forward."""

from dataclasses import dataclass

from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class KeepAlive:
    """Just before the clock is put forward: whoever is alive will be so then. Sessions get a full TTL, and slots and
    leases that are held last for so much longer, as if they were renewed meanwhile. In microseconds."""

    ttl: int
    by: int

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        working_set.flush()
        sessions, leases, slots = tables.sessions, tables.slot_leases, tables.slots
        soonest = working_set.now + self.by + self.ttl
        working_set.connection.execute(
            sessions.update()
            .where(sessions.c.status == SessionStatus.ACTIVE, sessions.c.expire_time < soonest)
            .values(expire_time=soonest)
        )
        for table, *more in ((leases,), (slots, slots.c.decay_interval.is_(None))):
            held = table.c.expire_time
            working_set.connection.execute(
                table.update().where(held > working_set.now, *more).values(expire_time=held + self.by)
            )
        working_set.connection.execute(
            leases.update().where(leases.c.sure_time > working_set.now).values(sure_time=leases.c.sure_time + self.by)
        )
        working_set.slots.forget()

"""When schedules are to be planned, and when a server last looked: what is asked before any schedule is expanded."""

from dataclasses import dataclass

from sqlalchemy import func, select

from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Under this key `meta` has when the scheduler last looked, in microseconds.
_LOOKED = "scheduler_looked"


@dataclass(frozen=True, slots=True)
class Planning:
    """Times in microseconds."""

    #: Whether there are schedules at all.
    any: bool
    #: When the next one is to be planned; None where none ever is.
    soonest: int | None
    #: When a server last looked; None where none ever did.
    looked: int | None


@dataclass(slots=True)
class LookAtSchedules:
    """Says what is to be planned, and notes that a server looked."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Planning:
        connection, meta = working_set.connection, tables.meta
        if connection.execute(select(schedules.c.id).limit(1)).scalar_one_or_none() is None:
            return Planning(False, None, None)
        soonest = connection.execute(select(func.min(schedules.c.plan_time))).scalar_one()
        looked = connection.execute(select(meta.c.value).where(meta.c.key == _LOOKED)).scalar_one_or_none()
        now = str(working_set.now).encode()
        if looked is None:
            connection.execute(meta.insert(), {"key": _LOOKED, "value": now})
        else:
            connection.execute(meta.update().where(meta.c.key == _LOOKED).values(value=now))
        return Planning(True, soonest, int(looked) if looked is not None else None)

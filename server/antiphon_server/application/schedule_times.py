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
    """Says what is to be planned."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Planning:
        connection, meta = working_set.connection, tables.meta
        if connection.execute(select(schedules.c.id).limit(1)).scalar_one_or_none() is None:
            return Planning(False, None, None)
        looked = connection.execute(select(meta.c.value).where(meta.c.key == _LOOKED)).scalar_one_or_none()
        return Planning(True, soonest(working_set), int(looked) if looked is not None else None)


@dataclass(slots=True)
class NoteLook:
    """Notes that a server looked, once it has done what it saw: one that is killed before that looks again."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        connection, meta, now = working_set.connection, tables.meta, str(working_set.now).encode()
        noted = connection.execute(meta.update().where(meta.c.key == _LOOKED).values(value=now))
        if noted.rowcount == 0:
            connection.execute(meta.insert(), {"key": _LOOKED, "value": now})


def soonest(working_set: WorkingSet) -> int | None:
    """When the next schedule is to be planned; None where none ever is."""
    # What is not NULL, as its index has it.
    query = select(func.min(schedules.c.plan_time)).where(schedules.c.plan_time.is_not(None))
    time: int | None = working_set.connection.execute(query).scalar_one()
    return time

"""Whether the server does in time what it does by itself."""

from sqlalchemy import ColumnElement, Table, func, select

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import micros
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.tables import RUNS, sessions, slots

_RESTART = (
    "See `antiphon server services ls` and the server's log for why the service {service} does not do it; where it "
    "hangs, restart the server: runs do not notice."
)
SESSIONS_OVERDUE = Symptom(
    "SESSIONS_OVERDUE",
    Severity.ERROR,
    "Sessions were not heard of for a minute longer than their TTL and are not ended.",
    "Their processes are gone, and their runs stay RUNNING, and keep their slots, for ever.",
    _RESTART,
)
DEADLINES_OVERDUE = Symptom(
    "DEADLINES_OVERDUE",
    Severity.ERROR,
    "Deadlines of runs that are PENDING, CANCELLING or PAUSED passed a minute ago, and nothing has followed.",
    "Claims are not given back, and cancelled runs do not end.",
    _RESTART,
)
SCHEDULES_OVERDUE = Symptom(
    "SCHEDULES_OVERDUE",
    Severity.ERROR,
    "Schedules should have been planned a minute ago and are not.",
    "Their runs are made late, or not at all.",
    _RESTART,
)
SLOTS_OVERDUE = Symptom(
    "SLOTS_OVERDUE",
    Severity.ERROR,
    "Slots of concurrency limits should have been free a minute ago and are not.",
    "Who waits for them waits for nothing.",
    "Restart the server: it frees them as it starts, and runs do not notice. Tell us what its log said before.",
)
SYMPTOMS = (SESSIONS_OVERDUE, DEADLINES_OVERDUE, SCHEDULES_OVERDUE, SLOTS_OVERDUE)
#: What is overdue is counted up to this number.
_MOST = 1000


async def check_overdue_sessions(patient: Patient) -> list[Finding]:
    """Time in which the server itself heard nobody counts; then it gives them a new TTL within seconds."""
    active = sessions.c.status == SessionStatus.ACTIVE
    count, oldest = await _overdue(patient, sessions, sessions.c.expire_time, active)
    return _told(patient, SESSIONS_OVERDUE, "sessions that should have been ended", count, oldest, "sessions")


async def check_overdue_deadlines(patient: Patient) -> list[Finding]:
    """Of flow runs and task runs."""
    found = []
    for kind, runs in RUNS.items():
        count, oldest = await _overdue(patient, runs, runs.c.deadline_time)
        things = f"{kind.value.replace('_', ' ')}s whose deadline has passed"
        found += _told(patient, DEADLINES_OVERDUE, things, count, oldest, "deadlines")
    return found


async def check_overdue_schedules(patient: Patient) -> list[Finding]:
    """Those of which something is to be planned."""
    count, oldest = await _overdue(patient, schedules, schedules.c.plan_time)
    return _told(patient, SCHEDULES_OVERDUE, "schedules that should have been planned", count, oldest, "scheduler")


async def check_overdue_slots(patient: Patient) -> list[Finding]:
    """Those that nobody gives back by hand."""
    count, oldest = await _overdue(patient, slots, slots.c.expire_time)
    return _told(patient, SLOTS_OVERDUE, "holders whose slots should have been freed", count, oldest, "")


async def _overdue(
    patient: Patient, table: Table, time: ColumnElement[int], *conditions: ColumnElement[bool]
) -> tuple[int, int]:
    """How many rows, up to `_MOST`, should have been done with long ago, and when the first one."""
    late = select(time.label("time")).where(time < patient.ago(patient.bounds.overdue), *conditions)
    some = late.order_by(time).limit(_MOST).subquery()
    query = select(func.count().label("number"), func.min(some.c.time).label("oldest")).select_from(some)
    [row] = await patient.rows(query)
    return row.number, row.oldest


def _told(patient: Patient, symptom: Symptom, things: str, count: int, oldest: int, service: str) -> list[Finding]:
    if not count:
        return []
    number = f"{_MOST} or more" if count == _MOST else str(count)
    message = f"{things}: {number}; of the first one {micros(patient.now - oldest)} ago"
    return [symptom.found(message, count=count, service=service)]

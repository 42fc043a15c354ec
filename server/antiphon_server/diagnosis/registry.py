"""All that is looked at, in the order in which it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from antiphon_server.diagnosis.checks import (
    changes,
    clocks,
    disk,
    encryption,
    late_runs,
    leaders,
    limits,
    overdue,
    overload,
    postgresql,
    readers,
    schema,
    servers,
    services,
    size,
    task_runs,
    writer,
)
from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient

__all__ = ["CHECKS", "CHECK_NOT_DONE", "PROBE", "SYMPTOMS", "Check", "checks_for"]


class Store(Enum):
    """What the server keeps its data in."""

    ANY = auto()
    SQLITE = auto()
    POSTGRESQL = auto()


@dataclass(frozen=True, slots=True)
class Check:
    """One look."""

    name: str
    look: Callable[[Patient], Awaitable[list[Finding]]]
    #: Whether every server of the database would find the same.
    of_all: bool = False
    #: Whether it asks the database.
    asks: bool = True
    #: Where there is something to look at.
    on: Store = Store.ANY


CHECK_NOT_DONE = Symptom(
    "CHECK_NOT_DONE",
    Severity.WARNING,
    "Something could not be looked at.",
    "It may be well, or not.",
    "Try again; if it stays, tell us the line of the server's log that says why.",
)
#: Where the database does not answer it, none of those is tried that ask.
PROBE = Check("readers", readers.check_readers)
CHECKS: Sequence[Check] = (
    Check("services", services.check_services, asks=False),
    Check("writer", writer.check_writer, asks=False),
    Check("overload", overload.check_overload, asks=False),
    Check("disk", disk.check_disk, asks=False, on=Store.SQLITE),
    PROBE,
    Check("schema", schema.check_schema),
    Check("encryption", encryption.check_encryption),
    Check("changes", changes.check_changes, on=Store.POSTGRESQL),
    Check("clocks", clocks.check_clocks, on=Store.POSTGRESQL),
    Check("size", size.check_size),
    Check("leaders", leaders.check_leaders, of_all=True),
    Check("servers", servers.check_servers, of_all=True, on=Store.POSTGRESQL),
    Check("sessions", overdue.check_overdue_sessions, of_all=True),
    Check("deadlines", overdue.check_overdue_deadlines, of_all=True),
    Check("schedules", overdue.check_overdue_schedules, of_all=True),
    Check("slots", overdue.check_overdue_slots, of_all=True),
    Check("limits", limits.check_limits, of_all=True),
    Check("late_runs", late_runs.check_late_runs, of_all=True),
    Check("task_runs", task_runs.check_task_runs, of_all=True),
    Check("connections", postgresql.check_connections, of_all=True, on=Store.POSTGRESQL),
    Check("transactions", postgresql.check_transactions, of_all=True, on=Store.POSTGRESQL),
    Check("locks", postgresql.check_locks, of_all=True, on=Store.POSTGRESQL),
    Check("vacuum", postgresql.check_vacuum, of_all=True, on=Store.POSTGRESQL),
)
#: In the order of docs/doctor.md.
SYMPTOMS: Sequence[Symptom] = (
    *late_runs.SYMPTOMS,
    *task_runs.SYMPTOMS,
    *limits.SYMPTOMS,
    *services.SYMPTOMS,
    *overdue.SYMPTOMS,
    *leaders.SYMPTOMS,
    *servers.SYMPTOMS,
    *changes.SYMPTOMS,
    *writer.SYMPTOMS,
    *readers.SYMPTOMS,
    *overload.SYMPTOMS,
    *disk.SYMPTOMS,
    *size.SYMPTOMS,
    *schema.SYMPTOMS,
    *encryption.SYMPTOMS,
    *clocks.SYMPTOMS,
    *postgresql.SYMPTOMS,
    CHECK_NOT_DONE,
)


def checks_for(patient: Patient, *, own_only: bool) -> list[Check]:
    """Those that there is something to look at for; `own_only` leaves out what every server would find."""
    stores = (Store.ANY, Store.POSTGRESQL if patient.file is None else Store.SQLITE)
    return [check for check in CHECKS if check.on in stores and not (own_only and check.of_all)]

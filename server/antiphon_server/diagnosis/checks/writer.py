"""Whether transactions come through, and in time."""

import statistics
import time

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import many, span

WRITER_STUCK = Symptom(
    "WRITER_STUCK",
    Severity.ERROR,
    "One transaction of the server has been under way for seconds.",
    "Nothing is committed meanwhile: no run starts, changes its state or ends, and no call that changes something is "
    "answered.",
    "See what holds the database up: the disk (`iostat -x 1`), or another program that has it locked: a backup, an "
    "open `sqlite3` or `psql` (`SELECT pid, application_name, query FROM pg_stat_activity`).",
)
COMMITS_FAILING = Symptom(
    "COMMITS_FAILING",
    Severity.ERROR,
    "A transaction of the last minute failed by the database's or the disk's fault.",
    "What it held was refused. Clients try again, and runs wait for it.",
    "Mend what the message says: make room on the disk, or bring the database back. Nothing needs a restart.",
)
COMMITS_FAILED = Symptom(
    "COMMITS_FAILED",
    Severity.WARNING,
    "Transactions of the last five minutes failed by the database's or the disk's fault, and none of the last minute.",
    "What they held was refused. Clients have tried again; it may come again.",
    "Look into the server's log for 'transaction', and into that of the database, for what happened.",
)
COMMITS_SLOW = Symptom(
    "COMMITS_SLOW",
    Severity.WARNING,
    "Half of the transactions of the last minute took longer than half a second.",
    "Each task waits for a commit before it begins, so runs are slow.",
    "Measure the disk of the database (`iostat -x 1`): look at its latency, and for other programs that use it. On "
    "PostgreSQL look also at the network and at its log.",
)
SYMPTOMS = (WRITER_STUCK, COMMITS_FAILING, COMMITS_FAILED, COMMITS_SLOW)
_MINUTE = 60.0


async def check_writer(patient: Patient) -> list[Finding]:
    """In memory alone."""
    return [*_stuck(patient), *_failing(patient), *_slow(patient)]


def _stuck(patient: Patient) -> list[Finding]:
    seconds = patient.core.pulse.under_way
    if seconds < patient.bounds.stuck:
        return []
    waiting = sum(patient.core.queued)
    return [
        WRITER_STUCK.found(
            f"a transaction has been under way for {span(seconds)}, and {many(waiting, 'operation')} wait for the next",
            seconds=round(seconds, 1),
            waiting=waiting,
        )
    ]


def _failing(patient: Patient) -> list[Finding]:
    since = time.monotonic() - patient.bounds.lately
    faults = [fault for fault in list(patient.core.pulse.faults) if fault[0] > since]
    if not faults:
        return []
    when, why = faults[-1]
    ago = time.monotonic() - when
    symptom = COMMITS_FAILING if ago < patient.bounds.just_now else COMMITS_FAILED
    return [
        symptom.found(
            f"{many(len(faults), 'transaction')} failed in the last {span(patient.bounds.lately)}, the last one "
            f"{span(ago)} ago: {why}",
            faults=len(faults),
        )
    ]


def _slow(patient: Patient) -> list[Finding]:
    since = time.monotonic() - _MINUTE
    lately = [seconds for end, seconds in list(patient.core.pulse.commits) if end > since]
    if len(lately) < patient.bounds.commits:
        return []
    median = statistics.median(lately)
    if median < patient.bounds.slow_commit:
        return []
    return [
        COMMITS_SLOW.found(
            f"half of the last {len(lately)} transactions took {span(median)} or longer, the slowest "
            f"{span(max(lately))}",
            median_seconds=round(median, 3),
            slowest_seconds=round(max(lately), 3),
        )
    ]

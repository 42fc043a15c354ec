"""Whether the database grows for ever."""

from sqlalchemy import text

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import size

RETENTION_UNSET = Symptom(
    "RETENTION_UNSET",
    Severity.WARNING,
    "The database is larger than 20 GiB, and the server was told to delete neither old runs nor old logs.",
    "It grows for ever: backups and upgrades take longer and longer, and one day the disk is full.",
    "Start each server with `--keep-runs DAYS --keep-logs DAYS`.",
)
SYMPTOMS = (RETENTION_UNSET,)
_SQLITE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_POSTGRESQL = "SELECT pg_database_size(current_database())"


async def check_size(patient: Patient) -> list[Finding]:
    """Both stores know it without looking at their rows."""
    if patient.retention.runs is not None or patient.retention.logs is not None:
        return []
    query = text(_SQLITE if patient.file is not None else _POSTGRESQL)
    [(taken,)] = await patient.rows(query)
    if taken < patient.bounds.kept_for_ever:
        return []
    return [RETENTION_UNSET.found(f"the database takes {size(taken)}, and nothing is ever deleted", bytes=taken)]

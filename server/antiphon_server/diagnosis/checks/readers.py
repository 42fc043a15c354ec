"""Whether the database answers queries, and in time."""

import time

from sqlalchemy import text

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import span

DATABASE_UNREADABLE = Symptom(
    "DATABASE_UNREADABLE",
    Severity.ERROR,
    "The database does not answer the server.",
    "Nothing can be shown, started or stored. What runs goes on, and tells it once the database is back.",
    "Bring the database back: see that it runs, that this server reaches it, and that its disk is well. Servers go on "
    "by themselves. What else may be wrong in it could not be looked at.",
)
READERS_BUSY = Symptom(
    "READERS_BUSY",
    Severity.WARNING,
    "All connections for reading are in use, and a query had to wait for one.",
    "Lists, watches and handing out of runs are slow.",
    "Find who asks for so much: many watches, or programs that list all runs over and over. More servers have more "
    "connections.",
)
DATABASE_SLOW = Symptom(
    "DATABASE_SLOW",
    Severity.WARNING,
    "The smallest query takes longer than a second.",
    "Lists, watches and handing out of runs are slow.",
    "Look at the load of this machine and of the database's, and at the network between them.",
)
SYMPTOMS = (DATABASE_UNREADABLE, READERS_BUSY, DATABASE_SLOW)


async def check_readers(patient: Patient) -> list[Finding]:
    """By the smallest query. Raises what the reader does where there is no answer."""
    in_use, readers = patient.reader.connections
    began = time.monotonic()
    await patient.rows(text("SELECT 1"))
    seconds = time.monotonic() - began
    if seconds < patient.bounds.slow_read:
        return []
    if readers and in_use >= readers:
        message = f"all {readers} connections for reading were in use, and a query waited {span(seconds)} for one"
        return [READERS_BUSY.found(message, connections=readers, seconds=round(seconds, 1))]
    return [DATABASE_SLOW.found(f"SELECT 1 took {span(seconds)}", seconds=round(seconds, 1))]

"""Whether the other servers of the database are there."""

from sqlalchemy import select

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import micros
from antiphon_server.storage.tables import servers

SERVER_SILENT = Symptom(
    "SERVER_SILENT",
    Severity.WARNING,
    "A server of the same database says nothing any more and has not said goodbye.",
    "It is dead, hangs, or cannot reach the database. After 15 s the others take over what it did and forget it; "
    "clients go on with them.",
    "Look at the server at {addresses}: whether its process lives, and what its log says last. Start it again.",
)
SYMPTOMS = (SERVER_SILENT,)


async def check_servers(patient: Patient) -> list[Finding]:
    """Those that are not forgotten yet. This one answers, whatever the table says."""
    silent = select(servers).where(
        servers.c.id != patient.server_id, servers.c.seen_time < patient.ago(patient.bounds.silent)
    )
    rows = await patient.rows(silent)
    return [
        SERVER_SILENT.found(
            f"the server at {row.addresses} was last seen {micros(patient.now - row.seen_time)} ago",
            addresses=row.addresses,
            server_id=row.id,
        )
        for row in rows
    ]

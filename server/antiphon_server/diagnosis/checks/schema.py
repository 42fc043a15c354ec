"""Whether the database has the schema that this server knows."""

from sqlalchemy import text

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.storage.schema import VERSION_TABLE

SCHEMA_DIFFERS = Symptom(
    "SCHEMA_DIFFERS",
    Severity.ERROR,
    "Another release has changed the database's schema under this server.",
    "This server writes what the schema no longer means, or is refused by the database.",
    "Stop this server and start it in the release of the others: all servers of a database must be of one.",
)
SYMPTOMS = (SCHEMA_DIFFERS,)


async def check_schema(patient: Patient) -> list[Finding]:
    """By Alembic's table."""
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")
    revision = next((row.version_num for row in await patient.rows(query)), None)
    if revision == patient.schema:
        return []
    message = f"the database has schema {revision}, and this server is of schema {patient.schema}"
    return [SCHEMA_DIFFERS.found(message, database_schema=revision, server_schema=patient.schema)]

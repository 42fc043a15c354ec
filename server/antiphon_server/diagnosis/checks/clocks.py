"""Whether the clocks of server and database agree."""

from sqlalchemy import text

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import span

SERVER_CLOCK_DIFFERS = Symptom(
    "SERVER_CLOCK_DIFFERS",
    Severity.WARNING,
    "The clock of the server's machine and that of PostgreSQL's are more than five seconds apart.",
    "Leases, deadlines and schedules go by the database's clock; logs and traces of this machine have other times, so "
    "that what happened is hard to tell.",
    "Have both machines' clocks set by NTP: `timedatectl` says whether they are, `chronyc tracking` how well.",
)
SYMPTOMS = (SERVER_CLOCK_DIFFERS,)
_NOW = text("SELECT extract(epoch FROM clock_timestamp()) AS now")


async def check_clocks(patient: Patient) -> list[Finding]:
    """The database's is asked for now."""
    before = patient.wall()
    [row] = await patient.rows(_NOW)
    after, told = patient.wall(), float(row.now)
    # It was told at some moment between the two.
    apart = max(before - told, told - after)
    if apart < patient.bounds.clocks:
        return []
    which = "ahead of" if before > told else "behind"
    message = f"this server's machine is {span(apart)} {which} the database's"
    return [SERVER_CLOCK_DIFFERS.found(message, seconds=round(apart, 1))]

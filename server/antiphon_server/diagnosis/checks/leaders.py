"""Whether some server leads each service that one server of a database does for all."""

from sqlalchemy import select

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import micros
from antiphon_server.storage.tables import service_leases as leases

SERVICE_WITHOUT_LEADER = Symptom(
    "SERVICE_WITHOUT_LEADER",
    Severity.ERROR,
    "The lease of a service that one server does for all ran out, and no server has taken it.",
    "Nobody does what this service does: `antiphon server services ls` says what that is.",
    "Look into the servers' logs for 'leases of services could not be renewed', which says why, and mend that.",
)
SYMPTOMS = (SERVICE_WITHOUT_LEADER,)
#: Seconds that a server may need to take a lease that is over.
_PATIENCE = 15.0


async def check_leaders(patient: Patient) -> list[Finding]:
    """By the leases, of services that are not led here. One that is not there has just been given back."""
    over = select(leases.c.service, leases.c.expire_time).where(leases.c.expire_time < patient.ago(_PATIENCE))
    rows = await patient.rows(over)
    return [
        SERVICE_WITHOUT_LEADER.found(
            f"no server leads the service {row.service}: the last lease ran out {micros(patient.now - row.expire_time)}"
            " ago",
            service=row.service,
        )
        for row in rows
        if row.service in patient.led and not patient.led_for(row.service)
    ]

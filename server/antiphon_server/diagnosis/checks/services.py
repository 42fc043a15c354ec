"""Whether the services of this server do their rounds."""

import time

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import span
from antiphon_server.services.board import ServiceStatus

SERVICE_FAILING = Symptom(
    "SERVICE_FAILING",
    Severity.ERROR,
    "The last round of a service of the server failed.",
    "What this service does is not done: `antiphon server services ls` says what that is.",
    "Mend what the error says; the service tries again by itself. The server's log has more around it.",
)
SERVICE_STALLED = Symptom(
    "SERVICE_STALLED",
    Severity.ERROR,
    "A service that works every few seconds has had no round for much longer.",
    "What this service does is not done: `antiphon server services ls` says what that is.",
    "Look into the server's log for its last lines about {service}, then restart the server: runs do not notice.",
)
SYMPTOMS = (SERVICE_FAILING, SERVICE_STALLED)


async def check_services(patient: Patient) -> list[Finding]:
    """Of the services that are this server's to do."""
    found = []
    for service in patient.board.all():
        if not patient.led_for(service.name):
            continue
        if service.last_error:
            found.append(
                SERVICE_FAILING.found(
                    f"the last round of the service {service.name} failed, as did {service.failures} of its "
                    f"{service.rounds} rounds since the server started: {service.last_error}",
                    service=service.name,
                    failures=service.failures,
                    rounds=service.rounds,
                )
            )
        elif service.interval and (silent := _silent(patient, service)) > _patience(patient, service):
            found.append(
                SERVICE_STALLED.found(
                    f"the service {service.name}, which works every {span(service.interval)}, has ended no round for "
                    f"{span(silent)}",
                    service=service.name,
                )
            )
    return found


def _silent(patient: Patient, service: ServiceStatus) -> float:
    """Seconds in which it should have had rounds and has not. What another server did before does not count."""
    return min(time.monotonic() - service.ended, patient.led_for(service.name))


def _patience(patient: Patient, service: ServiceStatus) -> float:
    return max(service.interval * patient.bounds.missed_rounds, patient.bounds.overdue)

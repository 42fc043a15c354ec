"""Whether the server turns calls away."""

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import span

CALLS_TURNED_AWAY = Symptom(
    "CALLS_TURNED_AWAY",
    Severity.WARNING,
    "Within the last minute the server had more to do than it can, and told callers to come again.",
    "Runs, workers and commands are slow. Nothing is lost.",
    "See docs/overload.md. Where it lasts: find who asks for so much, let fewer runs run at once (a concurrency "
    "limit), or give the server a faster disk, or on PostgreSQL more servers.",
)
SYMPTOMS = (CALLS_TURNED_AWAY,)


async def check_overload(patient: Patient) -> list[Finding]:
    """By the gates."""
    found = []
    for gate in patient.gates:
        ago = gate.refused_ago
        if ago is not None and ago < patient.bounds.just_now:
            found.append(
                CALLS_TURNED_AWAY.found(
                    f"{gate.name}: {gate.refused} were turned away since the server started, the last one {span(ago)} "
                    f"ago; {gate.under_way} of {gate.limit} are under way",
                    kind=gate.name,
                    refused=gate.refused,
                )
            )
    return found

"""Whether this server hears what others commit."""

from sqlalchemy import func, select

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import many, micros
from antiphon_server.storage.tables import changes

CHANGES_BEHIND = Symptom(
    "CHANGES_BEHIND",
    Severity.ERROR,
    "This server has not heard for seconds what other servers of the database committed.",
    "Commands, verdicts, watches and queued runs that come from other servers are late here.",
    "Look at the load of this server's machine and at its log for 'what other servers did could not be'; "
    "if it does not catch up, restart the server: its clients go on with the others.",
)
SYMPTOMS = (CHANGES_BEHIND,)
#: Commits are counted up to this number.
_MOST = 10_000


async def check_changes(patient: Patient) -> list[Finding]:
    """By the age of the first commit that was not heard."""
    heard = patient.core.heard
    if heard is None:
        return []
    unheard = select(changes.c.create_time).where(changes.c.number > heard).order_by(changes.c.number).limit(_MOST)
    some = unheard.subquery()
    query = select(func.count().label("number"), func.min(some.c.create_time).label("oldest")).select_from(some)
    [row] = await patient.rows(query)
    if not row.number or row.oldest > patient.ago(patient.bounds.unheard):
        return []
    behind = micros(patient.now - row.oldest)
    return [
        CHANGES_BEHIND.found(
            f"{many(row.number, 'commit', _MOST)} of other servers were not heard here, the first one {behind} ago",
            commits=row.number,
        )
    ]

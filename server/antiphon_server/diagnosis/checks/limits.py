"""Whether somebody waits for a slot that he cannot get."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from antiphon_server.diagnosis.commands import titled
from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import micros, some
from antiphon_server.domain.states import RUNNING
from antiphon_server.storage.tables import RUNS, concurrency_limits, slot_waiters, slots

LIMIT_WITHOUT_SLOTS = Symptom(
    "LIMIT_WITHOUT_SLOTS",
    Severity.ERROR,
    "Somebody waits for a slot of a concurrency limit of 0.",
    "They wait until somebody raises the limit.",
    "Raise the limit: `{command}`.",
)
LIMIT_HELD_BY_NOBODY = Symptom(
    "LIMIT_HELD_BY_NOBODY",
    Severity.WARNING,
    "Runs have waited for minutes for a slot that a run holds which no session holds, so that nobody would notice if "
    "it were dead.",
    "If what runs it has died, the slot is never given back.",
    "See whether they still run: `antiphon flow-run explain ID`. If not, end them: `antiphon flow-run set-state "
    "CRASHED ID --force`; of a task run its flow run.",
)
SYMPTOMS = (LIMIT_WITHOUT_SLOTS, LIMIT_HELD_BY_NOBODY)
#: Limits, and holders of one, that are looked at.
_LIMITS, _HOLDERS = 100, 500


async def check_limits(patient: Patient) -> list[Finding]:
    """Those that somebody waits for."""
    waiters, limits = slot_waiters.c, concurrency_limits.c
    waiting = select(waiters.limit_id, func.count().label("waiting"), func.min(waiters.create_time).label("since"))
    waited = waiting.group_by(waiters.limit_id).subquery()
    query = select(limits.id, limits.name, limits.slots, waited.c.waiting, waited.c.since)
    query = query.join(waited, waited.c.limit_id == limits.id).where(limits.active).order_by(waited.c.since)
    rows = await patient.rows(query.limit(_LIMITS))
    found = []
    for row in rows:
        if row.slots == 0:
            found.append(await _without_slots(patient, row))
        elif row.since < patient.ago(patient.bounds.crowded):
            found += await _held_by_nobody(patient, row, await _unwatched_holders(patient, row.id))
    return found


async def _without_slots(patient: Patient, row: Any) -> Finding:
    title, command = await titled(patient, row.name)
    return LIMIT_WITHOUT_SLOTS.found(
        f"{title} has a concurrency limit of 0, and {row.waiting} wait for a slot, the first one for "
        f"{micros(patient.now - row.since)}",
        name=row.name,
        limit_id=row.id,
        waiting=row.waiting,
        command=command,
    )


async def _held_by_nobody(patient: Patient, row: Any, holders: Sequence[str]) -> list[Finding]:
    if not holders:
        return []
    title, _ = await titled(patient, row.name)
    return [
        LIMIT_HELD_BY_NOBODY.found(
            f"{row.waiting} wait for a slot of {title} for up to "
            f"{micros(patient.now - row.since)}; of its {row.slots} slots some are held by runs that no session holds: "
            f"{some(holders)}",
            name=row.name,
            limit_id=row.id,
            waiting=row.waiting,
            holders=" ".join(holders),
        )
    ]


async def _unwatched_holders(patient: Patient, limit_id: str) -> list[str]:
    """Ids of RUNNING runs that hold slots of a limit and that no session holds."""
    found: list[str] = []
    held = select(slots.c.holder_id).where(slots.c.limit_id == limit_id).limit(_HOLDERS)
    for runs in RUNS.values():
        query = select(runs.c.id).where(
            runs.c.id.in_(held),
            runs.c.state_type == RUNNING,
            runs.c.session_id.is_(None),
            runs.c.deadline_time.is_(None),
        )
        found += [row.id for row in await patient.rows(query)]
    return found

"""Whether somebody waits for a slot that he cannot get."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from antiphon_server.diagnosis.commands import titled
from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import micros, some
from antiphon_server.domain.states import RUNNING
from antiphon_server.storage.reader import Record
from antiphon_server.storage.sources import CONCURRENCY_LIMITS
from antiphon_server.storage.tables import RUNS, slot_waiters, slots

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
#: Limits that are looked at, and waiters and holders of one.
_LIMITS, _WAITERS, _HOLDERS = 100, 1000, 500


@dataclass(frozen=True, slots=True)
class _Queue:
    """Who waits for slots of a limit: how many, up to `_WAITERS`, and since when the first of these."""

    limit_id: str
    waiting: int
    since: int


async def check_limits(patient: Patient) -> list[Finding]:
    """Those that somebody waits for."""
    queues = await patient.reader.ask(_queues)
    if not queues:
        return []
    rows = await patient.reader.rows(CONCURRENCY_LIMITS, [queue.limit_id for queue in queues])
    found = []
    for queue in queues:
        limit = rows.get(queue.limit_id)
        if limit is None or not limit.active:
            continue
        if limit.slots == 0:
            found.append(await _without_slots(patient, limit, queue))
        elif queue.since < patient.ago(patient.bounds.crowded):
            found += await _held_by_nobody(patient, limit, queue, await _unwatched_holders(patient, limit.id))
    return found


async def _queues(connection: AsyncConnection) -> list[_Queue]:
    """A look into an index for each."""
    waiters = slot_waiters.c
    found: list[_Queue] = []
    last = ""
    while len(found) < _LIMITS:
        following = select(func.min(waiters.limit_id)).where(waiters.limit_id > last)
        limit_id = (await connection.execute(following)).scalar_one()
        if limit_id is None:
            break
        first = select(waiters.create_time).where(waiters.limit_id == limit_id)
        some = first.order_by(waiters.rank, waiters.position).limit(_WAITERS).subquery()
        query = select(func.count(), func.min(some.c.create_time)).select_from(some)
        count, since = (await connection.execute(query)).one()
        last = limit_id
        if count:
            found.append(_Queue(limit_id, count, since))
    return found


async def _without_slots(patient: Patient, limit: Record, queue: _Queue) -> Finding:
    title, command = await titled(patient, limit.name)
    return LIMIT_WITHOUT_SLOTS.found(
        f"{title} has a concurrency limit of 0, and {queue.waiting} wait for a slot, the first one for "
        f"{micros(patient.now - queue.since)}",
        name=limit.name,
        limit_id=limit.id,
        waiting=queue.waiting,
        command=command,
    )


async def _held_by_nobody(patient: Patient, limit: Record, queue: _Queue, holders: Sequence[str]) -> list[Finding]:
    if not holders:
        return []
    title, _ = await titled(patient, limit.name)
    return [
        LIMIT_HELD_BY_NOBODY.found(
            f"{queue.waiting} have waited for a slot of {title} for up to {micros(patient.now - queue.since)}; of its "
            f"{limit.slots} slots some are held by runs that no session holds: {some(holders)}",
            name=limit.name,
            limit_id=limit.id,
            waiting=queue.waiting,
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

"""Whether background tasks that wait are served."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import many, micros
from antiphon_server.storage.tables import servers, task_runs

TASK_RUNS_UNSERVED = Symptom(
    "TASK_RUNS_UNSERVED",
    Severity.ERROR,
    "Task runs that `delay()` made have been due for more than a minute, and no process serves their task. Where the "
    "database has several servers this is told after five minutes.",
    "They do not start before somebody serves the task.",
    "Serve it: `antiphon task serve FILE.py:TASK` with the function whose task key is {task_key}. Where it should be "
    "served: look at that process and its log, and whether it asks the same server (`antiphon config view`).",
)
SYMPTOMS = (TASK_RUNS_UNSERVED,)
#: Tasks that are looked at, and runs of one that are counted.
_TASKS, _MOST = 100, 1000


async def check_task_runs(patient: Patient) -> list[Finding]:
    """One finding for each task."""
    late = patient.ago(patient.bounds.late)
    waiting = await patient.reader.ask(lambda connection: _waiting(connection, late))
    waiting = [each for each in waiting if not patient.task_dispatch.served(each[0])]
    if not waiting:
        return []
    others = select(servers.c.id).where(servers.c.id != patient.server_id).limit(1)
    if await patient.rows(others):
        # Who serves it may be at another server, which takes runs at once.
        crowded = patient.ago(patient.bounds.crowded)
        waiting = [each for each in waiting if each[2] < crowded]
    return [
        TASK_RUNS_UNSERVED.found(
            f"task {key!r}: {many(count, 'task run', _MOST)} due for up to {micros(patient.now - oldest)}, and "
            "no process serves the task",
            task_key=key,
            runs=count,
        )
        for key, count, oldest in waiting
    ]


async def _waiting(connection: AsyncConnection, late: int) -> list[tuple[str, int, int]]:
    """Tasks of which runs are late, how many, and since when the first one is due. A look into an index for each."""
    runs = task_runs.c
    found: list[tuple[str, int, int]] = []
    key: str | None = ""
    for _ in range(_TASKS):
        following = select(func.min(runs.task_key)).where(runs.queue_time.is_not(None), runs.task_key > key)
        key = (await connection.execute(following)).scalar_one()
        if key is None:
            break
        due = select(runs.queue_time).where(runs.task_key == key, runs.queue_time < late).order_by(runs.queue_time)
        some = due.limit(_MOST).subquery()
        query = select(func.count(), func.min(some.c.queue_time)).select_from(some)
        count, oldest = (await connection.execute(query)).one()
        if count:
            found.append((key, count, oldest))
    return found

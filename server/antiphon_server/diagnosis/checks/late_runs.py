"""Why runs of deployments that are due do not start, for all of them; `antiphon flow-run explain` says it of one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from antiphon_server.application.takers import Taker, affinity_of
from antiphon_server.diagnosis.commands import antiphon, deployment_limit, pool_limit, queue_limit
from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import many, micros, some
from antiphon_server.domain import limit_names
from antiphon_server.storage.reader import Record
from antiphon_server.storage.sources import CONCURRENCY_LIMITS, DEPLOYMENTS, WORK_POOLS, WORK_QUEUES, WORKERS
from antiphon_server.storage.tables import flow_runs, servers
from antiphon_server.storage.work_lines import OpenQueue

RUNS_WITHOUT_WORKER = Symptom(
    "RUNS_WITHOUT_WORKER",
    Severity.ERROR,
    "Flow runs have been due for more than a minute, and no worker of their pool or queue is there; or, where the "
    "deployment is in no pool, no process serves it.",
    "They do not start before one comes.",
    "Start one: `{command}`. Where one should run: look at its machine and its log, and whether it asks the same "
    "server (`antiphon config view`).",
)
RUNS_UNSUITED = Symptom(
    "RUNS_UNSUITED",
    Severity.ERROR,
    "Flow runs have been due for more than a minute and require labels that no worker of their queue has.",
    "They do not start before such a worker comes.",
    "Start a worker with these labels (`{command} --label KEY=VALUE`), or change what the deployment requires.",
)
RUNS_HELD_BY_PAUSE = Symptom(
    "RUNS_HELD_BY_PAUSE",
    Severity.WARNING,
    "Flow runs have been due for more than a minute, and their deployment, work pool or work queue is paused.",
    "They do not start before it is resumed, and then all at once.",
    "If nobody means it to be paused: `{command}`.",
)
RUNS_HELD_BY_LIMIT = Symptom(
    "RUNS_HELD_BY_LIMIT",
    Severity.ERROR,
    "Flow runs have been due for more than a minute, and the concurrency limit of their deployment, work pool or work "
    "queue is 0.",
    "They do not start before the limit is raised.",
    "Raise the limit: `{command}`.",
)
RUNS_WAIT_FOR_SLOTS = Symptom(
    "RUNS_WAIT_FOR_SLOTS",
    Severity.WARNING,
    "Flow runs have been due for more than five minutes, and all slots of their work pool or work queue are taken.",
    "There is more to do than the limit lets through, or what holds the slots does not end.",
    "See what holds them: `antiphon flow-run ls --state-type RUNNING`. If more may run at once: `{command}`.",
)
RUNS_WITHOUT_DEPLOYMENT = Symptom(
    "RUNS_WITHOUT_DEPLOYMENT",
    Severity.WARNING,
    "Flow runs have been due for more than a minute, and their deployment or their work queue was deleted.",
    "Nobody knows how to run them: they wait for ever.",
    "Cancel them: `antiphon flow-run cancel --filter 'state.type = SCHEDULED AND deployment_id = "
    '"{deployment_id}"\'`.',
)
RUNS_NOT_TAKEN = Symptom(
    "RUNS_NOT_TAKEN",
    Severity.WARNING,
    "Flow runs have been due for more than five minutes, and the workers that are there do not take them.",
    "The workers run as many as they may, or hang.",
    "Start more of them, or let them run more at once (`antiphon worker start --limit N`). See what they run: "
    "`antiphon flow-run ls --state-type RUNNING`; why one does not start: `antiphon flow-run explain {flow_run_id}`.",
)
SYMPTOMS = (
    RUNS_WITHOUT_WORKER,
    RUNS_UNSUITED,
    RUNS_HELD_BY_PAUSE,
    RUNS_HELD_BY_LIMIT,
    RUNS_WAIT_FOR_SLOTS,
    RUNS_WITHOUT_DEPLOYMENT,
    RUNS_NOT_TAKEN,
)
#: Late runs that are looked at, the oldest ones, and findings that are told of them.
_MOST, _FINDINGS = 1000, 10


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why some late runs do not start. What is the same for several runs is one cause."""

    symptom: Symptom
    #: As in `... are due, and {why}`.
    why: str
    facts: tuple[tuple[str, str], ...] = ()
    #: Whether it is the rule among runs that wait for their turn, and wrong only where that takes long.
    patient: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """What the late runs are waiting at."""

    deployments: Mapping[str, Record]
    queues: Mapping[str, Record]
    pools: Mapping[str, Record]
    #: Queue -> what may be taken from it, of those that are not paused.
    open: Mapping[str, OpenQueue]
    #: Pool -> its workers that are there.
    workers: Mapping[str, Sequence[Taker]]
    #: By name, of those that count.
    limits: Mapping[str, int]
    #: Whether all who serve deployments are at this server.
    alone: bool


async def check_late_runs(patient: Patient) -> list[Finding]:
    """One finding for each cause."""
    runs = await _late(patient)
    if not runs:
        return []
    place = await _look_around(patient, runs)
    by_cause: dict[_Cause, list[Record]] = defaultdict(list)
    for run in runs:
        cause = _cause(patient, place, run)
        if cause is not None:
            by_cause[cause].append(run)
    found = []
    crowded = patient.ago(patient.bounds.crowded)
    for cause, late in by_cause.items():
        if not cause.patient or late[0].next_scheduled_start_time < crowded:
            found.append(_found(patient, cause, late))
    return found[:_FINDINGS]


async def _late(patient: Patient) -> Sequence[Record]:
    """The oldest ones first."""
    return await patient.rows(late_runs(patient.ago(patient.bounds.late)))


def late_runs(before: int) -> Select[Any]:
    """The first runs in a line that have been due since before some time (microseconds). To say besides that they are
    SCHEDULED and nobody's, as all in a line are, would lead SQLite to another index and through all of them."""
    runs = flow_runs.c
    query = select(
        runs.id,
        runs.name,
        runs.deployment_id,
        runs.queue_key,
        runs.worker_affinity,
        runs.auto_scheduled,
        runs.next_scheduled_start_time,
    ).where(runs.next_scheduled_start_time < before, runs.queue_time < before)
    return query.order_by(runs.next_scheduled_start_time).limit(_MOST)


async def _look_around(patient: Patient, runs: Sequence[Record]) -> _Place:
    reader = patient.reader
    deployments = await reader.rows(DEPLOYMENTS, sorted({run.deployment_id for run in runs if run.deployment_id}))
    queues = await reader.rows(WORK_QUEUES, sorted({run.queue_key for run in runs}))
    pool_ids = sorted({queue.work_pool_id for queue in queues.values()})
    pools = await reader.rows(WORK_POOLS, pool_ids)
    open_queues = [queue for id in pool_ids for queue in await reader.open_queues(id)]
    workers: dict[str, list[Taker]] = defaultdict(list)
    for row in await reader.belonging(WORKERS, "work_pool_id", pool_ids) if pool_ids else ():
        if row.online:
            workers[row.work_pool_id].append(_taker(row))
    names = [limit_names.of_deployment(id) for id in deployments]
    limits = await reader.belonging(CONCURRENCY_LIMITS, "name", names) if names else ()
    others = select(servers.c.id).where(servers.c.id != patient.server_id).limit(1)
    alone = not await patient.rows(others)
    return _Place(
        deployments,
        queues,
        pools,
        {queue.id: queue for queue in open_queues},
        workers,
        {limit.name: limit.slots for limit in limits if limit.active},
        alone,
    )


def _taker(row: Record) -> Taker:
    """A worker that is there, to ask what it serves."""
    return Taker(row.session_id, row.name, _nothing, work_pool_id=row.work_pool_id, **_asks(row))


def _asks(row: Record) -> dict[str, Any]:
    return {"queue_names": affinity_of(row.queue_names), "labels": affinity_of(row.labels)}


async def _nothing(parcel: object) -> None:
    """It is given nothing."""


def _cause(patient: Patient, place: _Place, run: Record) -> _Cause | None:
    """The first thing that keeps a run from starting; None where it only waits for others of its deployment."""
    deployment = place.deployments.get(run.deployment_id)
    if deployment is None:
        gone = (("deployment_id", str(run.deployment_id or "")),)
        return _Cause(RUNS_WITHOUT_DEPLOYMENT, "their deployment was deleted", gone)
    name = f"{deployment.flow_name}/{deployment.name}"
    facts = (("deployment", name), ("deployment_id", deployment.id))
    if deployment.paused and run.auto_scheduled:
        command = antiphon("deployment", "resume", name)
        return _Cause(RUNS_HELD_BY_PAUSE, f"deployment {name!r} is paused", (*facts, ("command", command)))
    return _shut(place, run, name, facts) or (
        _of_queue(place, run, facts)
        if run.queue_key != run.deployment_id
        else _served(patient, place, run, name, facts)
    )


def _shut(place: _Place, run: Record, name: str, facts: tuple[tuple[str, str], ...]) -> _Cause | None:
    """Where nothing of the deployment may run."""
    limit = limit_names.of_deployment(run.deployment_id)
    if place.limits.get(limit) != 0:
        return None
    command = deployment_limit(name.partition("/")[2])
    why = f"the concurrency limit of deployment {name!r} is 0"
    return _Cause(RUNS_HELD_BY_LIMIT, why, (*facts, ("limit", limit), ("command", command)))


def _served(patient: Patient, place: _Place, run: Record, name: str, facts: tuple[tuple[str, str], ...]) -> _Cause:
    """Of a deployment that is in no pool."""
    if run.queue_key in patient.takers:
        return _Cause(
            RUNS_NOT_TAKEN, f"a process serves deployment {name!r} and does not take them", facts, patient=True
        )
    # Who serves it may be at another server, and then takes them soon.
    why = f"deployment {name!r} is in no work pool and no process serves it"
    return _Cause(RUNS_WITHOUT_WORKER, why, (*facts, ("command", "antiphon flow serve")), patient=not place.alone)


def _of_queue(place: _Place, run: Record, facts: tuple[tuple[str, str], ...]) -> _Cause:
    queue = place.queues.get(run.queue_key)
    if queue is None or queue.work_pool_id not in place.pools:
        return _Cause(RUNS_WITHOUT_DEPLOYMENT, "their work queue was deleted", facts)
    pool = place.pools[queue.work_pool_id]
    named = f"work queue {queue.name!r} of work pool {pool.name!r}"
    facts = (("pool", str(pool.name)), ("queue", str(queue.name)))
    if pool.paused:
        command = antiphon("work-pool", "resume", pool.name)
        return _Cause(RUNS_HELD_BY_PAUSE, f"work pool {pool.name!r} is paused", (*facts, ("command", command)))
    if queue.paused:
        command = antiphon("work-queue", "resume", queue.name, "--pool", pool.name)
        return _Cause(RUNS_HELD_BY_PAUSE, f"{named} is paused", (*facts, ("command", command)))
    full = _full(place.open.get(queue.id), pool, queue, facts)
    if full is not None and not full.patient:
        return full
    start = ("command", antiphon("worker", "start", "--pool", pool.name))
    workers = [each for each in place.workers.get(pool.id, ()) if each.serves(queue.name)]
    if not workers:
        return _Cause(RUNS_WITHOUT_WORKER, f"no worker of {named} is there", (*facts, start))
    wanted = affinity_of(run.worker_affinity)
    if not any(each.suits(wanted) for each in workers):
        labels = ", ".join(f"{key}={value}" for key, value in sorted(wanted["required"].items()))
        why = f"none of the {many(len(workers), 'worker')} of {named} has the labels that they require: {labels}"
        return _Cause(RUNS_UNSUITED, why, (*facts, ("labels", labels), start))
    there = "is there and does not" if len(workers) == 1 else "are there and do not"
    why = f"{many(len(workers), 'worker')} of {named} {there} take them"
    return full or _Cause(RUNS_NOT_TAKEN, why, facts, patient=True)


def _full(room: OpenQueue | None, pool: Record, queue: Record, facts: tuple[tuple[str, str], ...]) -> _Cause | None:
    """Where the limit of the queue or of the pool leaves no room."""
    if room is None:
        return None
    for left, slots, whose, command in (
        (
            room.room,
            queue.concurrency_limit,
            f"work queue {queue.name!r} of work pool {pool.name!r}",
            queue_limit(queue.name, pool.name),
        ),
        (
            room.pool_room,
            pool.concurrency_limit,
            f"work pool {pool.name!r}",
            pool_limit(pool.name),
        ),
    ):
        if left == 0:
            facts = (*facts, ("command", command))
            if slots == 0:
                return _Cause(RUNS_HELD_BY_LIMIT, f"the concurrency limit of {whose} is 0", facts)
            why = f"the concurrency limit of {whose} is {slots}, and all its slots are taken"
            return _Cause(RUNS_WAIT_FOR_SLOTS, why, facts, patient=True)
    return None


def _found(patient: Patient, cause: _Cause, late: Sequence[Record]) -> Finding:
    oldest = late[0]
    since = micros(patient.now - oldest.next_scheduled_start_time)
    one = len(late) == 1
    return cause.symptom.found(
        f"{many(len(late), 'flow run', _MOST)} {'has been due for' if one else 'have been due for up to'} {since} "
        f"({some([run.name for run in late], 3)}), and {cause.why}",
        **{
            "runs": len(late),
            "flow_run_id": oldest.id,
            "late_seconds": round((patient.now - oldest.next_scheduled_start_time) / 1e6),
            **dict(cause.facts),
        },
    )

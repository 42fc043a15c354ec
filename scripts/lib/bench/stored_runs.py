"""A database as a server has it after many runs, written straight into its tables."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from uuid_utils import uuid7

from antiphon_server.application.deployment_versions import EMPTY
from antiphon_server.domain.states import (
    CANCELLED,
    COMPLETED,
    CRASHED,
    DEFAULT_NAMES,
    FAILED,
    RUNNING,
    SCHEDULED,
    StateType,
)
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import deployment_versions
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sqlite import Sqlite

#: 2026-01-01, in microseconds; the runs begin ten seconds after one another.
START = 1_767_225_600_000_000
_SECOND = 1_000_000
_FLOWS, _DEPLOYMENTS, _QUEUES, _TASKS = 50, 200, 9, 40
_OFTEN = {COMPLETED: 85, FAILED: 8, CRASHED: 2, CANCELLED: 2, SCHEDULED: 2, RUNNING: 1}
_CHUNK = 5_000

Row = dict[str, Any]


def fill(path: Path, count: int) -> Mapping[str, str]:
    """Makes a database with as many flow runs and as many task runs. Gives ids of what is there, by the fields of
    lists that name them. Each call with the same count makes the same, but for ids."""
    engine = Sqlite(path).writer_engine()
    prepare(engine)
    drawn = random.Random(1)
    with engine.begin() as connection:
        deployments = _surroundings(connection)
        flow_runs: list[str] = []
        for start in range(0, count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, count))
            rows = [_flow_run(number, drawn, deployments) for number in numbers]
            flow_runs += [row["id"] for row in rows]
            _add(connection, tables.flow_runs, rows)
            _add(connection, tables.task_runs, [_task_run(n, drawn, flow_runs[n // 10]) for n in numbers])
    engine.dispose()
    known = next(row for row in deployments if row["id"])
    return {
        "id": flow_runs[count // 2],
        "flow_run_id": flow_runs[count // 20],
        "flow_id": known["flow_id"],
        "deployment_id": known["id"],
        "work_queue_id": known["work_queue_id"],
        "schedule_id": known["schedule_id"],
    }


def _surroundings(connection: Connection) -> list[Row]:
    """Flows, a pool with queues, and deployments, which are given with an id for a schedule."""
    flows = [_dated(number, name=f"flow-{number}", tags="[]") for number in range(_FLOWS)]
    pool = _dated(0, name="pool", type="process", paused=False)
    queues = [
        _dated(number, name=f"queue-{number}", work_pool_id=pool["id"], paused=False, priority=number + 1)
        for number in range(_QUEUES)
    ]
    deployments = [
        _dated(
            number,
            name=f"deployment-{number}",
            flow_id=flows[number % _FLOWS]["id"],
            paused=False,
            collision_strategy=1,
            work_queue_id=queues[number % _QUEUES]["id"],
            tags="[]",
        )
        for number in range(_DEPLOYMENTS)
    ]
    versions = [
        {**EMPTY, "id": _id(), "deployment_id": row["id"], "number": 1, "tags": "[]", "create_time": START}
        for row in deployments
    ]
    connection.execute(insert(tables.flows), flows)
    connection.execute(insert(tables.work_pools), [pool])
    connection.execute(insert(tables.work_queues), queues)
    connection.execute(insert(tables.deployments), deployments)
    connection.execute(insert(deployment_versions), versions)
    return [{**row, "schedule_id": _id()} for row in deployments]


def _flow_run(number: int, drawn: random.Random, deployments: list[Row]) -> Row:
    """Seven of ten belong to a deployment, five of them to a schedule."""
    deployment, place = drawn.choice(deployments), number % 10
    deployed, scheduled = place < 7, place < 5
    return _run(number, drawn) | {
        "flow_id": deployment["flow_id"],
        "flow_version": "1.4",
        "parameters": b"x" * 150,
        "idempotency_key": f"key-{number}" if scheduled else None,
        "deployment_id": deployment["id"] if deployed else None,
        "work_queue_id": deployment["work_queue_id"] if deployed else None,
        "schedule_id": deployment["schedule_id"] if scheduled else None,
        "auto_scheduled": scheduled,
        "deployment_version": 1 if deployed else None,
        "job_variables": "{}" if deployed else None,
    }


def _task_run(number: int, drawn: random.Random, flow_run_id: str) -> Row:
    return _run(number, drawn) | {
        "flow_run_id": flow_run_id,
        "task_key": f"task-{number % _TASKS}",
        "dynamic_key": str(number % 10),
        "task_version": "",
        "upstream_task_run_ids": "[]",
        "flow_run_run_count": 1,
    }


def _run(number: int, drawn: random.Random) -> Row:
    state = drawn.choices(list(_OFTEN), list(_OFTEN.values()))[0]
    created = START + number * 10 * _SECOND + drawn.randrange(_SECOND)
    begun, ended = state is not SCHEDULED, state not in (SCHEDULED, RUNNING)
    words = drawn.choice(["brave", "calm", "eager", "odd"]), drawn.choice(["fox", "owl", "hare"])
    tags = drawn.sample(["etl", "prod", "dev", "nightly", "team-a"], drawn.randrange(4))
    return {
        "id": _id(),
        "name": f"{'-'.join(words)}-{number}",
        "tags": json.dumps([*tags, f"rare-{number // 1000}"] if number % 1000 == 0 else tags),
        "run_count": int(begun),
        "state_id": _id(),
        "state_type": int(state),
        "state_name": DEFAULT_NAMES[StateType(state)],
        "state_time": created,
        "state_has_data": ended,
        "start_time": created + _SECOND if begun else None,
        "end_time": created + 5 * _SECOND + drawn.randrange(_SECOND) if ended else None,
        "expected_start_time": created,
        "next_scheduled_start_time": None if begun else created + 100 * _SECOND,
        "total_run_time": 4 * _SECOND,
        "create_time": created,
        "update_time": created,
        "version": 3,
        "create_digest": b"x" * 16,
    }


def _add(connection: Connection, table: Any, runs: list[Row]) -> None:
    """Runs with the states that they are in."""
    connection.execute(insert(table), runs)
    connection.execute(insert(tables.transitions), list(_states(runs)))


def _states(runs: list[Row]) -> Iterator[Row]:
    for run in runs:
        yield {
            "id": run["state_id"],
            "run_id": run["id"],
            "verdict": 1,
            "reason": "",
            "findings": "[]",
            "run_count": run["run_count"],
            "create_time": run["state_time"],
            "wrote_state": True,
            "state_type": run["state_type"],
            "state_name": run["state_name"],
            "message": "",
            "data": b"x" * 80,
        }


def _dated(number: int, **values: Any) -> Row:
    created = START + number
    return {"id": _id(), **values, "create_time": created, "update_time": created, "version": 1}


def _id() -> str:
    return str(uuid7())

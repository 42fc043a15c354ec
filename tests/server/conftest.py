"""A database of a test's own, with rows put straight into its tables."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Table, event, insert

from antiphon_server.application.deployment_versions import EMPTY
from antiphon_server.storage import all_tables, tables
from antiphon_server.storage.deployment_tables import deployment_versions
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from limits import Limits
from stores import database_for, trace
from writing import Writing

T = TypeVar("T")

NOW = 1_767_225_600_000_000
_TIMES = {"create_time": NOW, "update_time": NOW}
_RUN: Mapping[str, Any] = {
    "name": "",
    "tags": "[]",
    "run_count": 0,
    "state_has_data": False,
    "total_run_time": 0,
    "fencing_token": 0,
    "holds_slots": False,
    "priority": 0,
    "version": 1,
    "create_digest": b"",
    **_TIMES,
}
_DEFAULTS: Mapping[Table, Mapping[str, Any]] = {
    tables.flows: {"tags": "[]", "version": 1, **_TIMES},
    tables.flow_runs: {
        **_RUN,
        "flow_id": "",
        "flow_version": "",
        "infrastructure_pid": "",
        "worker_affinity": "",
        "auto_scheduled": False,
        "resuming": False,
        "pause_keys": "[]",
    },
    tables.task_runs: {
        **_RUN,
        "task_key": "key",
        "dynamic_key": "",
        "task_version": "",
        "upstream_task_run_ids": "[]",
        "flow_run_run_count": 0,
    },
    tables.transitions: {
        "verdict": 1,
        "reason": "",
        "findings": "[]",
        "run_count": 0,
        "fencing_token": 0,
        "create_time": NOW,
        "wrote_state": True,
        "state_type": 1,
        "state_name": "Scheduled",
        "message": "",
    },
    tables.logs: {"logger": "log", "level": 20, "message": "", "create_time": NOW},
    tables.sessions: {
        "client": "",
        "epoch": 1,
        "status": 1,
        "sequence": 0,
        "create_time": NOW,
        "expire_time": NOW,
    },
    tables.deployments: {
        "name": "",
        "flow_id": "",
        "paused": False,
        "collision_strategy": 1,
        "tags": "[]",
        "version_number": 1,
        **_TIMES,
        "version": 1,
    },
    deployment_versions: {
        **EMPTY,
        "number": 1,
        "tags": "[]",
        "create_time": NOW,
    },
    tables.work_pools: {
        "name": "",
        "type": "process",
        "description": "",
        "base_job_template": "",
        "paused": False,
        **_TIMES,
        "version": 1,
    },
    tables.work_queues: {"name": "", "description": "", "paused": False, "priority": 1, **_TIMES, "version": 1},
    tables.concurrency_limits: {
        "slots": 1,
        "active": True,
        "slot_decay_per_second": 0.0,
        "average_occupancy": 2_000_000,
        **_TIMES,
        "version": 1,
    },
    tables.slots: {"count": 1, "acquire_time": NOW},
    tables.cache_entries: {"create_time": NOW},
}


class Database:
    """A SQLite file with all tables."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = database_for(path).writer_engine()
        all_tables.metadata.create_all(self.engine)

    def add(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Inserts rows; columns that must be set and are not get a default."""
        full = {column.name: None for column in table.c} | dict(_DEFAULTS[table])
        with self.engine.begin() as connection:
            connection.execute(insert(table), [{**full, **row} for row in rows])

    def read(self, use: Callable[[Reader], Awaitable[T]]) -> T:
        """Runs `use` on an event loop, with a reader of this database."""

        async def run() -> T:
            engine = reader_engine(database_for(self.path))
            try:
                return await use(Reader(lambda: engine))
            finally:
                await engine.dispose()

        return asyncio.run(run())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "antiphon.db")
    yield database
    database.engine.dispose()


@pytest.fixture
def uuid() -> Callable[[int], str]:
    """Makes the UUID of a number; they sort as the numbers do."""
    return lambda number: f"01890a5d-ac96-774b-bcce-{number:012x}"


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL that the driver gets."""
    seen: list[str] = []
    event.listen(database.engine, "connect", lambda raw, _: trace(raw, seen))
    database.engine.dispose()
    yield seen


@pytest.fixture
def writing(database: Database) -> Writing:
    return Writing(database.engine)


@pytest.fixture
def limits(database: Database, writing: Writing) -> Limits:
    return Limits(database, writing)

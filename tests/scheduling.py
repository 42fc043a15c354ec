"""A server's core with its scheduler, and its runner of operations, in the loop of a test, at a time that it sets. No
wire, no timer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.schedule_pb2 import Calendar, Schedule
from antiphon_server.application.core import Core
from antiphon_server.application.schedules import DeleteSchedule, UpdateSchedule
from antiphon_server.domain.states import SCHEDULED, StateType
from antiphon_server.rpc.deployment_conversions import create_deployment_from
from antiphon_server.rpc.schedule_conversions import create_calendar_from, create_schedule_from
from antiphon_server.services.board import Board
from antiphon_server.services.operations_runner import OperationsRunner
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from antiphon_server.storage.schema import prepare
from stores import database_for
from writing import new_id, propose

#: A Monday at noon.
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


class Scheduling:
    """What is committed is read by `rows`, times are told in minutes since NOON."""

    def __init__(self, folder: Path, now: datetime = NOON) -> None:
        self.now = now
        self.engine = database_for(folder / "antiphon.db", durable=False).writer_engine()
        prepare(self.engine)
        self.core = Core(self.engine, lambda: micros(self.now))
        self._lived = 0.0
        self.reader = Reader(lambda: reader_engine(database_for(folder / "antiphon.db")))
        self.runner = OperationsRunner(self.core, self.reader)
        self.board = Board(self.core.clock)
        self.scheduler = Scheduler(self.core, board=self.board, monotonic=lambda: self._lived)

    async def live(self, minutes: float) -> None:
        """Time passes, in which the scheduler looks when its timer says so."""
        end = self.now + timedelta(minutes=minutes)
        while self.now < end:
            delay = await self.round()
            left = end - self.now
            step = min(left, timedelta(seconds=max(delay, 0.001))) if delay is not None else left
            self._lived += step.total_seconds()
            self.now += step

    def jump(self, minutes: float) -> None:
        """The clock is put forward or back, or this machine slept."""
        self.now += timedelta(minutes=minutes)

    async def round(self) -> float | None:
        async with asyncio.timeout(60):
            return await self.scheduler.round()

    async def deployment(self, *wanted: dict[str, Any], name: str = "", **fields: Any) -> str:
        """A deployment with schedules as JSON has them."""
        message = Deployment(name=name or new_id(), flow_name="flow")
        json_format.ParseDict({"schedules": list(wanted), **fields}, message)
        return str(await self.core.run(create_deployment_from(message)))

    async def schedule(self, deployment: str = "", **fields: Any) -> str:
        """A schedule as JSON has it, of a new deployment where none is named."""
        message = json_format.ParseDict(fields, Schedule())
        message.deployment_id = deployment or await self.deployment()
        return str(await self.core.run(create_schedule_from(message)))

    async def calendar(self, name: str, **fields: Any) -> str:
        return str(await self.core.run(create_calendar_from(json_format.ParseDict(fields, Calendar(name=name)))))

    async def change(self, id: str, **columns: Any) -> None:
        await self.core.run(UpdateSchedule(id, "", columns))

    async def delete(self, id: str) -> None:
        await self.core.run(DeleteSchedule(id, ""))

    async def enter(self, run_id: str, *types: StateType, **body: Any) -> Any:
        """The last verdict."""
        verdict = None
        for type_ in types:
            verdict = await self.core.run(propose(run_id, type_, **body))
        return verdict

    def rows(self, **where: Any) -> Sequence[Any]:
        """Flow runs, the oldest by the time that they are for first."""
        runs = tables.flow_runs
        with self.engine.connect() as connection:
            query = runs.select().where(*(runs.c[name] == value for name, value in where.items()))
            return connection.execute(query.order_by(runs.c.expected_start_time, runs.c.id)).all()

    def planned(self, schedule_id: str) -> list[float]:
        """The starts of the runs of a schedule that are SCHEDULED."""
        return [
            self.minutes(row.next_scheduled_start_time)
            for row in self.rows(schedule_id=schedule_id, state_type=SCHEDULED)
        ]

    def states(self, schedule_id: str) -> list[tuple[float, str]]:
        return [(self.minutes(row.expected_start_time), row.state_name) for row in self.rows(schedule_id=schedule_id)]

    def row(self, schedule_id: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(schedules.select().where(schedules.c.id == schedule_id)).one()

    def minutes(self, time: int) -> float:
        return round((time - micros(NOON)) / 60_000_000, 3)


@asynccontextmanager
async def scheduling(folder: Path, now: datetime = NOON) -> AsyncIterator[Scheduling]:
    made = Scheduling(folder, now)
    made.core.start()
    try:
        async with asyncio.timeout(90):
            yield made
    finally:
        await made.core.stop()
        await made.reader.close()
        made.engine.dispose()

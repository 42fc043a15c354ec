"""Deployments that run each minute for an hour of a clock that is put forward, with the planner and scheduler of the
server and claims as workers make them: `python -m bench.jobs.each_minute DEPLOYMENTS`."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from uuid_utils import uuid7

from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.schedule_pb2 import CronRule, Schedule
from antiphon_server.application.core import Core
from antiphon_server.application.operations import ProposeTransition
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.states import COMPLETED, DEFAULT_NAMES, PENDING, RUNNING, SCHEDULED, StateType
from antiphon_server.rpc.deployment_conversions import create_deployment_from
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.storage import tables
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sqlite import Sqlite

#: A full minute, in microseconds.
_START = 1_800_000_000_000_000
_MINUTES = 60


def proposed(run_id: str, type_: StateType) -> ProposeTransition:
    state = State(type_, DEFAULT_NAMES[type_])
    return ProposeTransition(Proposal(str(uuid7()), RunKind.FLOW_RUN, run_id, state))


async def measure(count: int) -> dict[str, float]:
    engine, now = Sqlite(Path("each_minute.db"), durable=True).writer_engine(), _START
    prepare(engine)
    core = Core(engine, lambda: now)
    core.start()
    scheduler = Scheduler(core, monotonic=lambda: (now - _START) / 1e6)
    for number in range(count):
        schedule = Schedule(cron=CronRule(expression="* * * * *"))
        made = Deployment(name=f"deployment-{number}", flow_name="flow", schedules=[schedule])
        await core.run(create_deployment_from(made))
    runs = tables.flow_runs
    due = runs.select().where(runs.c.state_type == SCHEDULED)
    begin, late, done = time.perf_counter(), 0, 0
    end = _START + _MINUTES * 60_000_000
    while now < end:
        minute = now + 60_000_000
        while now < minute:  # The scheduler looks when its own timer says so.
            delay = await scheduler.round()
            now = min(minute, now + round((60.0 if delay is None else max(delay, 1e-6)) * 1e6))
        with engine.connect() as connection:
            found: list[Any] = list(connection.execute(due.where(runs.c.next_scheduled_start_time <= now)))
        late += sum(row.create_time > row.expected_start_time or row.expected_start_time < now for row in found)
        done += len(found)
        for type_ in (PENDING, RUNNING, COMPLETED):
            await asyncio.gather(*(core.run(proposed(row.id, type_)) for row in found))
    seconds = time.perf_counter() - begin
    await core.stop()
    missing = count * _MINUTES - done
    return {"seconds": seconds, "late": late + missing}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))

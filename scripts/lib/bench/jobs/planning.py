"""Plans many schedules on a core of its own: `python -m bench.jobs.planning SCHEDULES`."""

import asyncio
import json
import random
import sys
import time
from pathlib import Path

from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.schedule_pb2 import CronRule, Schedule
from antiphon_server.application.core import Core
from antiphon_server.application.schedules import UpdateSchedule
from antiphon_server.clocks import wall_clock
from antiphon_server.rpc.deployment_conversions import create_deployment_from
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sqlite import Sqlite

_OF_EACH = 10
_CHANGES = 20


def deployment(number: int, chance: random.Random) -> Deployment:
    """With schedules that fire once a day, each at another time, and that rest."""
    rules = [f"{chance.randrange(60)} {chance.randrange(24)} * * *" for _ in range(_OF_EACH)]
    return Deployment(
        name=f"deployment-{number}",
        flow_name=f"flow-{number % 100}",
        schedules=[Schedule(cron=CronRule(expression=rule), paused=True) for rule in rules],
    )


async def measure(count: int) -> dict[str, float]:
    engine = Sqlite(Path("planning.db"), durable=True).writer_engine()
    prepare(engine)
    core, chance = Core(engine, wall_clock), random.Random(1)
    core.start()
    scheduler = Scheduler(core)
    for number in range(max(count // _OF_EACH, 1)):
        await core.run(create_deployment_from(deployment(number, chance)))
    with engine.begin() as connection:
        connection.execute(schedules.update().values(paused=False, plan_time=1))
        ids = list(connection.execute(schedules.select().with_only_columns(schedules.c.id)).scalars())
    begin, cpu = time.perf_counter(), time.process_time()
    await scheduler.round()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    begin = time.perf_counter()
    for id in chance.sample(ids, min(_CHANGES, len(ids))):
        await core.run(UpdateSchedule(id, "", {"rule": "30 4 * * *"}))
        await scheduler.round()
    changed = (time.perf_counter() - begin) / min(_CHANGES, len(ids))
    await core.stop()
    return {"seconds": seconds, "cpu": cpu, "one": changed * 1000}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))

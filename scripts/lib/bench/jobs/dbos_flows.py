"""The work of flows.py in DBOS: `python dbos_flows.py WORKLOAD COUNT`."""

import asyncio
import json
import os
import sys
import time

from dbos import DBOS

DBOS(config={"name": "bench", "system_database_url": os.environ["BENCH_DBOS_DATABASE_URL"]})


@DBOS.step()
def increment(number):
    return number + 1


# Of the ways to run many steps at once, gathered asynchronous steps are DBOS's fastest here, ahead of queues and
# started workflows.
@DBOS.step()
async def increment_async(number):
    return number + 1


@DBOS.workflow()
def empty():
    return None


@DBOS.workflow()
def chain(count):
    start = time.perf_counter()
    for number in range(count):
        increment(number)
    return time.perf_counter() - start


@DBOS.workflow()
async def spread(count):
    start = time.perf_counter()
    results = await asyncio.gather(*[increment_async(number) for number in range(count)])
    assert results == list(range(1, count + 1))
    return time.perf_counter() - start


def run_spread(count):
    return asyncio.run(spread(count))


def run_empty(count):
    start = time.perf_counter()
    for _ in range(count):
        empty()
    return time.perf_counter() - start


if __name__ == "__main__":
    DBOS.launch()
    empty()
    work = {"sequential_tasks": chain, "mapped_tasks": run_spread, "empty_flows": run_empty}[sys.argv[1]]
    print(json.dumps({"seconds": work(int(sys.argv[2]))}))
    DBOS.destroy()

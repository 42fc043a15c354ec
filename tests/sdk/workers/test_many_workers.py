"""A pool with many workers: each run goes to one. `scripts/bench --only worker_drain` does the same with 2,000 runs."""

import asyncio
import threading

import pytest

from antiphon.workers.process import ProcessWorker
from until import until
from work_site import WorkSite

WORKERS, RUNS = 20, 160
PATIENCE = 200.0


@pytest.mark.timeout(300)
def test_twenty_workers_drain_a_pool_without_a_run_begun_twice(site: WorkSite) -> None:
    site.pool()
    site.write("""
    from antiphon import flow
    from antiphon.runtime import flow_run

    @flow
    def work():
        mark(flow_run.id)
    """)
    deployment = site.deploy()
    workers = [ProcessWorker("pool", name=f"worker {number}", limit=4) for number in range(WORKERS)]
    thread = threading.Thread(target=lambda: asyncio.run(_all_at_work(workers)))
    thread.start()
    try:
        until(lambda: all(worker.id is not None for worker in workers), PATIENCE)
        runs = [site.run(deployment) for _ in range(RUNS)]
        for run in runs:
            assert site.ended(run, PATIENCE).state.name == "Completed"
    finally:
        for worker in workers:
            worker.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert sorted(site.marks) == sorted(runs)
    takers = {site.call("ListFlowRunStates", {"id": run}).states[1].message for run in runs}
    assert len(takers) > 1, "all have their share"


async def _all_at_work(workers: list[ProcessWorker]) -> None:
    await asyncio.gather(*(worker.start() for worker in workers))

"""The task runs of a flow run, with their states, times and results: what a page about a run would show.

Prints:
    download-0 Completed ... ms
    download-1 Completed ... ms
    parse-0 Completed ... ms
    result of parse-0: 4
"""

import asyncio
from uuid import UUID

from antiphon import flow, get_client, task
from antiphon.client.schemas.filters import TaskRunFilter, TaskRunFilterFlowRunId
from antiphon.client.schemas.objects import TaskRun
from antiphon.client.schemas.sorting import TaskRunSort
from antiphon.runtime import flow_run


@task
async def download(file: str) -> list[str]:
    return [f"{file},1", f"{file},2"]


@task
async def parse(rows: list[str]) -> int:
    return len(rows)


@flow
async def load() -> str:
    await parse(await download("a.csv") + await download("b.csv"))
    return str(flow_run.id)


async def task_runs_of(flow_run_id: str) -> list[TaskRun]:
    of_run = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[UUID(flow_run_id)]))
    async with get_client() as client:
        return await client.read_task_runs(task_run_filter=of_run, sort=TaskRunSort.NAME_ASC)


async def main() -> None:
    runs = await task_runs_of(await load())
    for run in runs:
        took = f"{run.total_run_time.total_seconds() * 1000:.1f} ms"
        print(run.name, run.state.name if run.state else "", took)
    if runs[-1].state:
        print(f"result of {runs[-1].name}:", await runs[-1].state.aresult())


if __name__ == "__main__":
    asyncio.run(main())

"""A program that serves two deployments by itself: no work pool, and no worker beside it.

`serve(...)` stays until it is interrupted; a `Runner` does the same for programs that have more to do, and this one
leaves when what is due has run.

Prints:
    Completed: clean-up/now and then, report/nightly
"""

import asyncio

from antiphon import flow, get_client
from antiphon.runner import Runner


@flow
def clean_up() -> None:
    """Away with what is old."""


@flow
def report(shop: str = "north") -> str:
    return f"all is well in the {shop}"


async def main() -> None:
    runner = Runner(name="of-the-shop")
    ids = [
        await runner.aadd_flow(clean_up, "now and then", interval=3600),
        await runner.aadd_flow(report, "nightly", cron="0 3 * * *", parameters={"shop": "south"}),
    ]
    async with get_client() as client:
        runs = [await client.create_flow_run_from_deployment(id) for id in ids]
        await runner.start(run_once=True)
        names = []
        for run in runs:
            now = await client.read_flow_run(run.id)
            assert now.state is not None and now.state.is_completed() and now.deployment_id is not None
            deployment = await client.read_deployment(now.deployment_id)
            flow_of_it = await client.read_flow(deployment.flow_id)
            names.append(f"{flow_of_it.name}/{deployment.name}")
    print("Completed:", ", ".join(names))


if __name__ == "__main__":
    asyncio.run(main())

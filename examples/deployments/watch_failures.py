"""Hears of each run that fails, as it happens and wherever it runs, without asking again and again.

Prints:
    failed: import-sales, OSError: no such file: south.csv
"""

import asyncio

from antiphon import flow
from antiphon.watching import awatch


@flow(name="import-sales")
def import_sales(shop: str) -> None:
    if shop == "south":
        raise OSError("no such file: south.csv")


async def first_failure(listening: asyncio.Event) -> str:
    async for step in awatch("flow_runs", 'flow_name = "import-sales" AND state.type = FAILED'):
        if step.kind == "mark":  # all that had failed before was told; what comes now is new
            listening.set()
        elif step.kind == "thing" and listening.is_set():
            return f"failed: {step.thing.flow_name}, {step.thing.state.message}"
    return "the watch has ended"


async def main() -> None:
    listening = asyncio.Event()
    hearing = asyncio.create_task(first_failure(listening))
    await listening.wait()
    for shop in ("north", "south"):
        await asyncio.to_thread(import_sales, shop, return_state=True)
    print(await hearing)


if __name__ == "__main__":
    asyncio.run(main())

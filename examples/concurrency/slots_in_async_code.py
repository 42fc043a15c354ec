"""The same in async code: who waits for a slot holds no thread, and a timeout says how long it is worth waiting.

Prints:
    first: has the tape drive
    second: gives up
    third: has the tape drive
"""

import asyncio

from antiphon import flow, get_client, task
from antiphon.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, concurrency


@task
async def back_up(name: str, seconds: float, patience: float | None = None) -> None:
    try:
        async with concurrency("tape-drive", timeout_seconds=patience):
            print(f"{name}: has the tape drive")
            await asyncio.sleep(seconds)
    except AcquireConcurrencySlotTimeoutError:
        print(f"{name}: gives up")


@flow
async def nightly() -> None:
    first = asyncio.create_task(back_up("first", 0.5))
    await asyncio.sleep(0.1)
    await asyncio.gather(back_up("second", 0.1, patience=0.1), back_up("third", 0.1), first)


async def main() -> None:
    async with get_client() as client:
        await client.upsert_global_concurrency_limit_by_name("tape-drive", limit=1)
    await nightly()


if __name__ == "__main__":
    asyncio.run(main())

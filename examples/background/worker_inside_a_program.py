"""A task worker inside of an async program, such as a web application that does its own background work.

Prints:
    queued: 3
    a.mp4 is 12 MiB
    all done
"""

import asyncio

from antiphon import task
from antiphon.task_worker import TaskWorker


@task
async def measure(file: str, size: int) -> str:
    await asyncio.sleep(0.05)
    return f"{file} is {size} MiB"


async def main() -> None:
    async with TaskWorker(measure, limit=2):
        futures = [await measure.adelay(file, size) for file, size in (("a.mp4", 12), ("b.mp4", 80), ("c.mp4", 7))]
        print(f"queued: {len(futures)}")
        for future in futures:
            print(await future.result_async())
    print("all done")


if __name__ == "__main__":
    asyncio.run(main())

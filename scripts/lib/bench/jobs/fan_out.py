"""Many tasks that sleep, in one loop: `python -m bench.jobs.fan_out COUNT SECONDS`.

Gives the seconds that it takes with bare asyncio, with tasks that do not sleep (what transitions cost), and with both.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from antiphon import flow, task


@task
async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def timed(make: Callable[[], Awaitable[object]], count: int) -> float:
    start = time.perf_counter()
    await asyncio.gather(*(make() for _ in range(count)))
    return time.perf_counter() - start


@flow
async def fan_out(count: int, seconds: float) -> float:
    return await timed(lambda: sleep(seconds), count)


async def main(count: int, seconds: float) -> dict[str, float]:
    await fan_out(10, 0)
    bare = await timed(lambda: asyncio.sleep(seconds), count)
    transitions = await fan_out(count, 0)
    return {"bare": bare, "transitions": transitions, "both": await fan_out(count, seconds)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))))

"""An async task that yields, read by `async for`: a stream of measurements with a stop by the reader.

For subscriptions and sockets. Leaving the loop closes the stream, and its run ends.

Prints:
    21.5
    24.5
    alarm: 25.0 degrees
"""

import asyncio
from collections.abc import AsyncIterator

from antiphon import flow, task


@task
async def temperatures(start: float) -> AsyncIterator[float]:
    value = start
    while True:
        await asyncio.sleep(0.01)
        yield value
        value += 0.5


@flow
async def watch(limit: float) -> float:
    async for value in temperatures(21.5):
        if value >= limit:
            return value
        print(value)
    raise RuntimeError("the stream ended before the limit was reached")


if __name__ == "__main__":
    print(f"alarm: {asyncio.run(watch(25.0))} degrees")

"""An async flow awaits async tasks, and `asyncio.gather` lets many of them wait together in one thread.

For work that is mostly waiting: calls of services, databases, queues.

Prints:
    50 cities in less than 2 seconds: True
"""

import asyncio
import time

from antiphon import flow, task


@task(task_run_name="weather-in-{city}")
async def ask_weather(city: str) -> tuple[str, float]:
    await asyncio.sleep(0.2)  # a service that takes its time
    return city, 20.0


@flow
async def ask_all(cities: list[str]) -> dict[str, float]:
    return dict(await asyncio.gather(*(ask_weather(city) for city in cities)))


if __name__ == "__main__":
    begin = time.monotonic()
    answers = asyncio.run(ask_all([f"city {number}" for number in range(50)]))
    print(f"{len(answers)} cities in less than 2 seconds: {time.monotonic() - begin < 2}")

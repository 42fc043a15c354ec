"""`rate_limit` bounds how often a thing is done: slots come back by themselves, so many a second.

For services that allow 20 calls a second, whoever calls, from whatever process.

Prints:
    10 calls took at least 0.4 seconds: True
"""

import time

from antiphon import flow, get_client, task
from antiphon.client.schemas.actions import GlobalConcurrencyLimitCreate
from antiphon.concurrency.sync import rate_limit
from antiphon.exceptions import ObjectAlreadyExists


@task
def call(number: int) -> int:
    rate_limit("weather-api")
    return number


@flow
def calls(count: int) -> int:
    return len(call.map(range(count)).result())


if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        try:
            limit = GlobalConcurrencyLimitCreate(name="weather-api", limit=1, slot_decay_per_second=20.0)
            client.create_global_concurrency_limit(limit)
        except ObjectAlreadyExists:
            pass  # an earlier run has made it
    begin = time.monotonic()
    print(f"{calls(10)} calls took at least 0.4 seconds: {time.monotonic() - begin >= 0.4}")

"""A cached result that is good for a while only: `cache_expiration`.

For exchange rates, weather and everything else that gets old.

Prints:
    asking the bank
    at once again: Cached
    asking the bank
    later: Completed
"""

import time
from datetime import timedelta
from uuid import uuid4

from antiphon import flow, task
from antiphon.cache_policies import INPUTS


@task(cache_policy=INPUTS, cache_expiration=timedelta(seconds=1))
def rate(currency: str, customer: str) -> float:
    print("asking the bank")
    return 1.08


@flow
def exchange() -> None:
    customer = str(uuid4())
    rate("USD", customer)
    print(f"at once again: {rate('USD', customer, return_state=True).name}")
    time.sleep(1.1)
    print(f"later: {rate('USD', customer, return_state=True).name}")


if __name__ == "__main__":
    exchange()

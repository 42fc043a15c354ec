"""Flows that run at the same time in one loop, each a run of its own below the caller.

Where one job for each customer runs the same flow, and all of them together are one job again.

Prints:
    ada: 3 orders
    grace: 5 orders
"""

import asyncio

from antiphon import flow, task

ORDERS = {"ada": 3, "grace": 5}


@task
async def count_orders(customer: str) -> int:
    await asyncio.sleep(0.05)
    return ORDERS[customer]


@flow(flow_run_name="orders-of-{customer}")
async def one_customer(customer: str) -> str:
    return f"{customer}: {await count_orders(customer)} orders"


@flow
async def all_customers() -> list[str]:
    return await asyncio.gather(*(one_customer(customer) for customer in sorted(ORDERS)))


if __name__ == "__main__":
    for line in asyncio.run(all_customers()):
        print(line)

"""A deployment on a work pool, runs of it that code asks for, and the worker that runs them.

Usually the worker is a program of its own that stays, `antiphon worker start --pool example`; this one is started by
the program that asks.

Prints:
    made: count-orders/nightly
    north: 3 orders
    south: 5 orders
    by another process: True
"""

import os
import subprocess
import sys

from antiphon import flow, get_client
from antiphon.client.schemas.actions import WorkPoolCreate
from antiphon.deployments import run_deployment
from antiphon.schedules import Cron

ORDERS = {"north": 3, "south": 5}


@flow(persist_result=True)
def count_orders(shop: str) -> tuple[int, int]:
    return ORDERS[shop], os.getpid()


def main() -> None:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="example", type="process"), overwrite=True)
    nightly = Cron("0 3 * * *", timezone="Europe/Berlin", parameters={"shop": "north"})
    count_orders.deploy("nightly", work_pool_name="example", schedules=[nightly], print_next_steps=False)
    print("made: count-orders/nightly")
    worker = subprocess.Popen([sys.executable, "-m", "antiphon", "worker", "start", "--pool", "example"])
    try:
        for shop in ORDERS:
            run = run_deployment("count-orders/nightly", parameters={"shop": shop}, timeout=60)
            assert run.state is not None
            orders, pid = run.state.result()
            print(f"{shop}: {orders} orders")
        print(f"by another process: {pid != os.getpid()}")
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()

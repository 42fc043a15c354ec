"""A queue of mails: a shop puts calls of a task off with `delay`, and a worker, a process of its own, sends them.

What is queued outlives both programs. Here the shop starts the worker itself; usually they are started apart.

Prints:
    order 1: the mail is queued
    order 3: the mail is queued
    order 1: mail to ada is sent by another process: True
    order 3: mail to alan is sent by another process: True
"""

import os
import subprocess
import sys

from antiphon import task
from antiphon.task_worker import serve


@task(retries=3, retry_delay_seconds=1, task_run_name="mail-of-order-{order}")
def send_mail(order: int, customer: str) -> tuple[str, int]:
    return f"mail to {customer} is sent", os.getpid()


def shop() -> None:
    futures = {}
    for order, customer in enumerate(("ada", "grace", "alan"), 1):
        futures[order] = send_mail.delay(order, customer)
        print(f"order {order}: the mail is queued")
    worker = subprocess.Popen([sys.executable, __file__, "worker"])
    try:
        for order, future in futures.items():
            said, pid = future.result(timeout=60)
            print(f"order {order}: {said} by another process: {pid != os.getpid()}")
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    if "worker" in sys.argv:
        serve(send_mail)
    else:
        shop()

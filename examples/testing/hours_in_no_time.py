"""A test of retries an hour apart that takes no time: the harness moves the server's clock.

Prints:
    3 attempts, more than 2 hours on the server's clock: True
    less than 30 seconds here: True
"""

import time

from antiphon import flow, task
from antiphon.runtime import task_run
from antiphon.testing.utilities import antiphon_test_harness


@task(retries=2, retry_delay_seconds=3600)
def ask_the_authority() -> int:
    if task_run.run_count < 3:
        raise ConnectionError("the office is closed")
    return task_run.run_count


@flow
def application() -> int:
    return ask_the_authority()


if __name__ == "__main__":
    begin = time.monotonic()
    with antiphon_test_harness(skip_waits=True) as harness:
        before = harness.clock.now()
        attempts = application()
        hours = (harness.clock.now() - before).total_seconds() / 3600
    print(f"{attempts} attempts, more than 2 hours on the server's clock: {hours >= 2}")
    print(f"less than 30 seconds here: {time.monotonic() - begin < 30}")

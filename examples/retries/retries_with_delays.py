"""A task that fails is tried again, after the delays that one names.

For everything that crosses a network. The waiting is the server's: it holds no thread and outlives a restart.

Prints:
    attempt 1: the station is silent
    attempt 2: the station is silent
    attempt 3: 17.4 degrees
"""

from antiphon import flow, task
from antiphon.runtime import task_run


@task(retries=3, retry_delay_seconds=[0.1, 0.2, 0.4])
def measure(station: str) -> float:
    if task_run.run_count < 3:
        print(f"attempt {task_run.run_count}: the station is silent")
        raise ConnectionError(f"{station} does not answer")
    print(f"attempt {task_run.run_count}: 17.4 degrees")
    return 17.4


@flow
def weather() -> float:
    return measure("Ballard")


if __name__ == "__main__":
    weather()

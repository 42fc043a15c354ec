"""`retry_condition_fn` decides whether a failure is worth another try.

A page that is not there will not be there in a second either; a busy server may answer.

Prints:
    /busy: read after 2 attempts
    /missing: given up after 1 attempt
"""

from typing import Any

from antiphon import flow, task
from antiphon.runtime import task_run
from antiphon.states import State

ATTEMPTS: dict[str, int] = {}


class HTTPError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def is_worth_a_retry(task: Any, run: Any, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, HTTPError) and error.status >= 500


@task(retries=3, retry_delay_seconds=0.1, retry_condition_fn=is_worth_a_retry)
def read(path: str) -> str:
    ATTEMPTS[path] = task_run.run_count
    if path == "/missing":
        raise HTTPError(404)
    if task_run.run_count == 1:
        raise HTTPError(503)
    return "<html>"


@flow
def crawl() -> None:
    for path in ("/busy", "/missing"):
        state = read(path, return_state=True)
        times = "1 attempt" if ATTEMPTS[path] == 1 else f"{ATTEMPTS[path]} attempts"
        print(f"{path}: {'read' if state.is_completed() else 'given up'} after {times}")


if __name__ == "__main__":
    crawl()

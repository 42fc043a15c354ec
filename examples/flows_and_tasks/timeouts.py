"""A time limit: what takes longer is interrupted, and its run is TimedOut.

For services that now and then never answer. Here the flow goes on with what the fast mirror said.

Prints:
    north: 3 files
    south: TimedOut
"""

import time

from antiphon import flow, task

SECONDS = {"north": 0.05, "south": 30.0}


@task(timeout_seconds=0.5)
def list_files(mirror: str) -> int:
    time.sleep(SECONDS[mirror])
    return 3


@flow
def sync_mirrors() -> None:
    for mirror in SECONDS:
        state = list_files(mirror, return_state=True)
        if state.is_completed():
            print(f"{mirror}: {state.result()} files")
        else:
            print(f"{mirror}: {state.name}")


if __name__ == "__main__":
    sync_mirrors()

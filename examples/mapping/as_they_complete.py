"""`as_completed` gives futures in the order in which they end, not in that of their start.

Where each result can be used at once: shown, written, or sent on.

Prints:
    fast answers first
    slow answers third
    1 of 3 are still at work after 0.4 seconds
"""

import time

from antiphon import flow, task
from antiphon.futures import as_completed, wait


@task
def ask(mirror: str, seconds: float) -> str:
    time.sleep(seconds)
    return mirror


@flow
def race() -> None:
    futures = [ask.submit("slow", 0.3), ask.submit("middle", 0.15), ask.submit("fast", 0.01)]
    for place, future in zip(("first", "second", "third"), as_completed(futures), strict=True):
        print(f"{future.result()} answers {place}")


@flow
def those_in_time() -> None:
    futures = [ask.submit("slow", 1), ask.submit("middle", 0.05), ask.submit("fast", 0.01)]
    done, not_done = wait(futures, timeout=0.4)
    print(f"{len(not_done)} of {len(done) + len(not_done)} are still at work after 0.4 seconds")


if __name__ == "__main__":
    race()
    those_in_time()

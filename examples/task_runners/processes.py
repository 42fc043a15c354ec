"""Tasks that are submitted run in processes of this machine: for what computes, since threads share one interpreter.

Nothing but the runner changes. Arguments and results are pickled on their way.

Prints:
    4 parts in other processes: True
    primes below 40000: 4203
"""

import os

from antiphon import flow, task
from antiphon.task_runners import ProcessPoolTaskRunner


@task
def count_primes(start: int, stop: int) -> tuple[int, int]:
    primes = sum(1 for n in range(max(start, 2), stop) if all(n % d for d in range(2, int(n**0.5) + 1)))
    return os.getpid(), primes


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def count_below(limit: int, parts: int) -> int:
    step = limit // parts
    counted = count_primes.map(range(0, limit, step), range(step, limit + step, step)).result()
    print(f"{len(counted)} parts in other processes: {os.getpid() not in {pid for pid, _ in counted}}")
    return sum(primes for _, primes in counted)


if __name__ == "__main__":
    print("primes below 40000:", count_below(40_000, 4))

"""The memory of a process whose flow runs many tasks: `python -m bench.jobs.long_flow COUNT STEPS`.

Gives the resident set in MiB after each step, as `at_00` and so on.
"""

import json
import os
import sys

from antiphon import flow, task
from bench.jobs.memory import read_resident_kib


@task
def increment(number: int) -> int:
    return number + 1


@flow
def long_flow(count: int, steps: int) -> list[float]:
    curve = []
    for _ in range(steps):
        increment.map(range(count // steps)).wait()
        curve.append(read_resident_kib(os.getpid()) / 1024)
    return curve


if __name__ == "__main__":
    long_flow(10, 1)
    resident = long_flow(int(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps({f"at_{step:02}": size for step, size in enumerate(resident)}))

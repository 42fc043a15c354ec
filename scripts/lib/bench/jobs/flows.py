"""Flows and tasks: `python flows.py antiphon WORKLOAD COUNT`, or `prefect`: the same lines for both."""

import importlib
import json
import sys
import time

library = importlib.import_module(sys.argv[1])
flow, task = library.flow, library.task


@task
def increment(number):
    return number + 1


@flow
def empty():
    return None


@flow
def chain(count):
    start = time.perf_counter()
    for number in range(count):
        increment(number)
    return time.perf_counter() - start


@flow
def spread(count):
    start = time.perf_counter()
    assert increment.map(range(count)).result() == list(range(1, count + 1))
    return time.perf_counter() - start


def run_empty(count):
    start = time.perf_counter()
    for _ in range(count):
        empty()
    return time.perf_counter() - start


if __name__ == "__main__":
    empty()  # what only the first flow of a process pays is hello's matter
    work = {"sequential_tasks": chain, "mapped_tasks": spread, "empty_flows": run_empty}[sys.argv[2]]
    print(json.dumps({"seconds": work(int(sys.argv[3]))}))

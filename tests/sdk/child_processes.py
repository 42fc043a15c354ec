"""A flow whose task works in processes of its own: `python child_processes.py fork|spawn`. Prints JSON: what each way
gave, and the ids of the runs."""

import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from typing import Any

from antiphon import flow, get_run_logger, runtime, task

LINES = 20


@task
def double(x: int) -> int:
    return 2 * x


@flow
def inner(x: int) -> tuple[str, int]:
    for number in range(LINES):
        get_run_logger().info("line %d", number)
    return runtime.flow_run.id or "", double(double.submit(x))  # type: ignore[arg-type]


def work(x: int) -> tuple[str, int]:
    assert runtime.flow_run.parent_flow_run_id is None
    return inner(x)


def _tell(x: int, results: Any) -> None:
    results.put(work(x))


@task
def in_processes(method: Any) -> list[tuple[str, int]]:
    context = multiprocessing.get_context(method)
    results = context.Queue()
    processes: list[BaseProcess] = [context.Process(target=_tell, args=(x, results)) for x in (1, 2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        found += executor.map(work, (3, 4))
    with context.Pool(1) as pool:  # which kills its processes at the end of the block
        found += pool.map(work, (5, 6))
    return found


@task
def in_a_fork() -> list[tuple[str, int]]:
    if not hasattr(os, "fork"):
        return []
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(start, json.dumps(work(7)).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    id, value = json.loads(os.read(end, 1000))
    return [(id, value)]


@flow
def outer(method: str) -> list[tuple[str, int]]:
    return in_processes(method) + (in_a_fork() if method == "fork" else [])


if __name__ == "__main__":
    print(json.dumps(outer(sys.argv[1])))

"""Tasks that are submitted run in threads: the default, here with a bound of its own.

Right for what waits: files, databases, services. The flow hands work out and collects it.

Prints:
    8 files by at most 4 threads: True
"""

import threading
import time

from antiphon import flow, task
from antiphon.task_runners import ThreadPoolTaskRunner


@task
def read(file: str) -> str:
    time.sleep(0.05)
    return threading.current_thread().name


@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def read_all(files: list[str]) -> list[str]:
    return read.map(files).result()


if __name__ == "__main__":
    threads = read_all([f"part-{number}.csv" for number in range(8)])
    print(f"{len(threads)} files by at most 4 threads: {len(set(threads)) <= 4}")

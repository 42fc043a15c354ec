"""Tasks on the workers of a Ray cluster: one that is started for the flow run, or one that is there already.

Needs `pip install 'antiphon[ray]'`. Give `address="ray://..."` for a cluster of your own.

Prints:
    words: {'flow': 4, 'task': 4, 'state': 5}
"""

import sys

from antiphon import flow, task
from antiphon_ray import RayTaskRunner

try:
    CLUSTER = RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False})
except ImportError as error:
    sys.exit(f"skipped: {error}")


@task
def count_letters(word: str) -> int:
    return len(word)


@flow(task_runner=CLUSTER)
def letters(words: list[str]) -> dict[str, int]:
    return dict(zip(words, count_letters.map(words).result(), strict=True))


if __name__ == "__main__":
    print("words:", letters(["flow", "task", "state"]))

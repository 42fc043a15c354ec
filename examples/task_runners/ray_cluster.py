"""Tasks on the workers of a Ray cluster: one that is started for the flow run, or one that is there already.

Needs `pip install 'antiphon[ray]'`. Give `address="ray://..."` for a cluster of your own.

Prints:
    words: {'flow': 4, 'task': 4, 'state': 5}
"""

import importlib.util
import sys

from antiphon import flow, task


@task
def count_letters(word: str) -> int:
    return len(word)


@flow
def letters(words: list[str]) -> dict[str, int]:
    return dict(zip(words, count_letters.map(words).result(), strict=True))


if __name__ == "__main__":
    if importlib.util.find_spec("ray") is None:
        sys.exit("skipped: Ray is not installed; pip install 'antiphon[ray]'")
    from antiphon_ray import RayTaskRunner

    runner = RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False})
    print("words:", letters.with_options(task_runner=runner)(["flow", "task", "state"]))

"""Tasks on the workers of a Dask cluster: one that is started for the flow run, or one that is there already.

Needs `pip install 'antiphon[dask]'`. Give `address="tcp://..."` for a cluster of your own.

Prints:
    squares: [0, 1, 4, 9, 16]
"""

import importlib.util
import sys

from antiphon import flow, task


@task
def square(number: int) -> int:
    return number * number


@flow
def squares(count: int) -> list[int]:
    return square.map(range(count)).result()


if __name__ == "__main__":
    if importlib.util.find_spec("distributed") is None:
        sys.exit("skipped: Dask is not installed; pip install 'antiphon[dask]'")
    from antiphon_dask import DaskTaskRunner

    runner = DaskTaskRunner(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None})
    print("squares:", squares.with_options(task_runner=runner)(5))

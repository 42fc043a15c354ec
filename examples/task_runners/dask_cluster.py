"""Tasks on the workers of a Dask cluster: one that is started for the flow run, or one that is there already.

Needs `pip install 'antiphon[dask]'`. Give `address="tcp://..."` for a cluster of your own.

Prints:
    squares: [0, 1, 4, 9, 16]
"""

import sys

from antiphon import flow, task
from antiphon_dask import DaskTaskRunner

try:
    CLUSTER = DaskTaskRunner(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None})
except ImportError as error:
    sys.exit(f"skipped: {error}")


@task
def square(number: int) -> int:
    return number * number


@flow(task_runner=CLUSTER)
def squares(count: int) -> list[int]:
    return square.map(range(count)).result()


if __name__ == "__main__":
    print("squares:", squares(5))

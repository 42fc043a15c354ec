"""`get_run_logger` gives a logger whose lines belong to the run: on the terminal, and at the server.

`antiphon flow-run logs <name>` shows them later, of all tasks together.

Prints:
    ... Task run 'clean-0' - 14 of 406 cars have no mileage or no power
    ... Flow run ... - 392 cars are left
"""

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, get_run_logger, task


@task
def clean(cars: pd.DataFrame) -> pd.DataFrame:
    good = cars.dropna(subset=["Miles_per_Gallon", "Horsepower"])
    get_run_logger().warning("%d of %d cars have no mileage or no power", len(cars) - len(good), len(cars))
    return good


@flow
def prepare() -> None:
    cars = clean(local_data.cars())
    get_run_logger().info("%d cars are left", len(cars))


if __name__ == "__main__":
    prepare()

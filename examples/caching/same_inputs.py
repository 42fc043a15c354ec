"""A task that ran with the same inputs does not run again: its result comes from the cache, in later runs too.

For expensive steps over inputs that seldom change. `INPUTS + TASK_SOURCE` runs anew when the code changes, and
`- "verbose"` leaves out an argument that makes no difference.

Prints:
    fitting a line through 392 cars
    first: Completed, second: Cached, verbose: Cached
    mpg = 39.9 - 0.158 * horsepower
"""

import tempfile

import numpy as np
import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task
from antiphon.cache_policies import INPUTS, TASK_SOURCE


@task(cache_policy=INPUTS + TASK_SOURCE - "verbose")
def fit(cars: pd.DataFrame, verbose: bool = False) -> tuple[float, float]:
    print(f"fitting a line through {len(cars)} cars")
    slope, height = np.polyfit(cars.Horsepower, cars.Miles_per_Gallon, 1)
    return float(height), float(slope)


@flow
def models() -> str:
    cars = local_data.cars().dropna(subset=["Horsepower", "Miles_per_Gallon"])
    first = fit(cars, return_state=True)
    second = fit(cars, return_state=True)
    verbose = fit(cars, verbose=True, return_state=True)
    print(f"first: {first.name}, second: {second.name}, verbose: {verbose.name}")
    height, slope = second.result()
    return f"mpg = {height:.1f} - {-slope:.3f} * horsepower"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(models.with_options(result_storage=folder)())

"""A flow that calls other flows: each becomes a run of its own below the run of the caller.

Take a flow in place of a task where a part of the work has tasks of its own, or is run alone as well.

Prints:
    Europe: 73 cars, 27.9 mpg
    Japan: 79 cars, 30.5 mpg
    USA: 254 cars, 20.1 mpg
"""

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task


@task
def load_cars() -> pd.DataFrame:
    return local_data.cars()


@task
def mean_mileage(cars: pd.DataFrame) -> float:
    return float(cars.Miles_per_Gallon.mean())


@flow(flow_run_name="cars-of-{origin}")
def one_origin(origin: str, cars: pd.DataFrame) -> str:
    here = cars[cars.Origin == origin]
    return f"{origin}: {len(here)} cars, {mean_mileage(here):.1f} mpg"


@flow
def all_origins() -> list[str]:
    cars = load_cars()
    return [one_origin(origin, cars) for origin in sorted(cars.Origin.unique())]


if __name__ == "__main__":
    for line in all_origins():
        print(line)

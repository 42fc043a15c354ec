"""`submit` begins a task in the background and gives a future; futures are handed on as if they were values.

The server sees the tree: what ran beside what, and which run took which result.

Prints:
    from 9 to 46.6 mpg; heaviest: Pontiac Safari (sw)
"""

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task


@task
def load() -> pd.DataFrame:
    return local_data.cars().dropna(subset=["Miles_per_Gallon"])


@task
def heaviest(cars: pd.DataFrame) -> str:
    return str(cars.loc[cars.Weight_in_lbs.idxmax(), "Name"]).title().replace("(Sw)", "(sw)")


@task
def mileage(cars: pd.DataFrame) -> tuple[float, float]:
    return float(cars.Miles_per_Gallon.min()), float(cars.Miles_per_Gallon.max())


@task
def describe(name: str, limits: tuple[float, float]) -> str:
    return f"from {limits[0]:g} to {limits[1]:g} mpg; heaviest: {name}"


@flow
def cars() -> str:
    table = load.submit()
    left, right = heaviest.submit(table), mileage.submit(table)
    return describe.submit(left, right).result()


if __name__ == "__main__":
    print(cars())

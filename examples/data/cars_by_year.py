"""A small warehouse job: extract, summarize in parallel, and load into a database in a transaction with a check.

The cars of 1970 to 1982 become one table of SQLite; what fails the last check is not left behind.

Prints:
    406 cars of 12 years, 8 without a mileage
    1970: 17.7 mpg
    1982: 31.0 mpg
"""

import sqlite3
import tempfile
from pathlib import Path

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, get_run_logger, task, unmapped
from antiphon.transactions import Transaction, transaction


@task(retries=2, retry_delay_seconds=1)
def extract() -> pd.DataFrame:
    cars = local_data.cars()
    years, holes = cars.Year.dt.year.nunique(), cars.Miles_per_Gallon.isna().sum()
    print(f"{len(cars)} cars of {years} years, {holes} without a mileage")
    return cars


@task(task_run_name="summarize-{year}")
def summarize(year: int, cars: pd.DataFrame) -> tuple[int, int, float]:
    here = cars[cars.Year.dt.year == year]
    return year, len(here), round(float(here.Miles_per_Gallon.mean()), 1)


@task
def load(rows: list[tuple[int, int, float]], database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE mileage (year INTEGER PRIMARY KEY, cars INTEGER, mpg REAL)")
        connection.executemany("INSERT INTO mileage VALUES (?, ?, ?)", rows)


@load.on_rollback
def drop(txn: Transaction) -> None:
    with sqlite3.connect(txn.get("database")) as connection:
        connection.execute("DROP TABLE mileage")


@task
def check(database: Path, cars: int) -> None:
    (stored,) = sqlite3.connect(database).execute("SELECT sum(cars) FROM mileage").fetchone()
    if stored != cars:
        raise ValueError(f"{cars} cars went in, {stored} are stored")
    get_run_logger().info("%d cars are stored", stored)


@flow
def cars_by_year(database: Path) -> list[tuple[int, int, float]]:
    cars = extract()
    rows = summarize.map(sorted(cars.Year.dt.year.unique().tolist()), unmapped(cars)).result()
    with transaction() as txn:
        txn.set("database", database)
        load(rows, database)
        check(database, len(cars))
    return rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for year, _, mpg in cars_by_year(Path(folder, "cars.sqlite")):
            print(f"{year}: {mpg} mpg")

"""`wait_for` says that a task comes after others of which it takes no results.

Here two tables are filled side by side, and the index is built once both are there.

Prints:
    orders are loaded
    customers are loaded
    last: index of 2 tables
"""

import time

from antiphon import flow, task

LOADED: list[str] = []


@task
def load(table: str, seconds: float) -> None:
    time.sleep(seconds)
    LOADED.append(table)
    print(f"{table} are loaded")


@task
def build_index() -> str:
    return f"index of {len(LOADED)} tables"


@flow
def warehouse() -> str:
    tables = [load.submit("orders", 0.1), load.submit("customers", 0.2)]
    return build_index.submit(wait_for=tables).result()


if __name__ == "__main__":
    print("last:", warehouse())

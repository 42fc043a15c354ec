"""Lines that libraries log become logs of the run that they are written in: `ANTIPHON_LOGGING_EXTRA_LOGGERS`.

For SQL statements, retries of HTTP clients and warnings of drivers, right beside what the task says itself. Threads that
a task starts itself are given its run by `with_context`.

Prints:
    ... | INFO    | Task run 'load-0' - SELECT * FROM orders
    ... | INFO    | Task run 'load-0' - SELECT * FROM customers
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

# Usually set in the environment or in the profile, not in code.
os.environ["ANTIPHON_LOGGING_EXTRA_LOGGERS"] = "shop.database"

from antiphon import flow, task
from antiphon.context import with_context

database = logging.getLogger("shop.database")
database.setLevel(logging.INFO)


def select(table: str) -> None:
    database.info("SELECT * FROM %s", table)


@task
def load(tables: list[str]) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(with_context(select), tables))


@flow
def sync_shop() -> None:
    load(["orders", "customers"])


if __name__ == "__main__":
    sync_shop()

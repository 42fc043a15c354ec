"""Lines that libraries log become logs of the run that they are written in: `ANTIPHON_LOGGING_EXTRA_LOGGERS`.

For SQL statements, HTTP clients and drivers: at the server they stand among what the task says itself. Threads that a
task starts are given its run by `with_context`. Logs travel in batches, so the last ones come a moment later.

Prints:
    shop.database: SELECT * FROM orders
    shop.database: SELECT * FROM customers
    antiphon.task_runs: 2 tables are loaded
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from antiphon import flow, get_client, get_run_logger, task
from antiphon.client.schemas.filters import LogFilter, LogFilterFlowRunId
from antiphon.context import with_context
from antiphon.runtime import flow_run
from antiphon.settings import ANTIPHON_LOGGING_EXTRA_LOGGERS, temporary_settings

database = logging.getLogger("shop.database")


def select(table: str) -> None:
    database.warning("SELECT * FROM %s", table)


@task
def load(tables: list[str]) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(with_context(select), tables))
    get_run_logger().warning("%d tables are loaded", len(tables))


@flow
def sync_shop() -> UUID:
    load(["orders", "customers"])
    return UUID(flow_run.id)


def show_logs(run_id: UUID, expected: int) -> None:
    warnings = LogFilter.model_validate({"flow_run_id": LogFilterFlowRunId(any_=[run_id]), "level": {"ge_": 30}})
    with get_client(sync_client=True) as client:
        while len(logs := client.read_logs(warnings)) < expected:
            time.sleep(0.1)
    for log in logs:
        print(f"{log.name}: {log.message}")


if __name__ == "__main__":
    with temporary_settings({ANTIPHON_LOGGING_EXTRA_LOGGERS: "shop.database"}):  # usually in a profile
        show_logs(sync_shop(), expected=3)

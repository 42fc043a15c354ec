"""The front door; `scripts/scale --help`."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from sqlalchemy import Engine, select, text

from antiphon.service_client import ServiceClient
from antiphon_server.clocks import wall_clock
from antiphon_server.storage import tables
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.schema import prepare
from bench.figures import percentile
from scale import operations
from scale.hosting import hosted
from scale.multiplying import GROWING, drop_pattern, keep_pattern, multiply
from scale.plans import MANY, Listener
from scale.sizes import sizes_of, whole_size, writes_of

RUNS, TASKS = 10, 100


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/scale",
        description="Fills a database with what a real run leaves, many times over, and measures its size and speed.",
    )
    parser.add_argument("database", help="an empty one: a file for SQLite, or a URL of PostgreSQL's")
    parser.add_argument("--sizes", default="100000,300000,1000000", help="task runs, rising")
    parser.add_argument("--json", type=Path, help="where the figures go besides the screen")
    asked = parser.parse_args(arguments)
    place = asked.database if "://" in asked.database else Path(asked.database)
    database = database_at(place)
    engine = database.writer_engine()
    prepare(engine)
    found: dict[str, Any] = {"sqlite" if isinstance(place, Path) else "postgresql": asked.sizes}
    with TemporaryDirectory(prefix="antiphon-scale-") as folder:
        found["seconds of the real run"] = real_run(place, Path(folder))
    found["writes of the real run"] = writes_of(engine)
    task_runs = keep_pattern(engine)
    found["rows of a task run"] = _rows(engine, task_runs)
    print(json.dumps(found, indent=1), flush=True)
    made = 1
    for size in map(int, asked.sizes.split(",")):
        began = time.perf_counter()
        multiply(engine, made, size // task_runs)
        made = size // task_runs
        _settle(engine)
        print(f"{size:,} task runs in {time.perf_counter() - began:.0f} s", flush=True)
        found[f"{size}"] = _measure(place, engine, size)
        print(json.dumps(found[f"{size}"], indent=1), flush=True)
    drop_pattern(engine)
    found["retention"] = _delete(engine)
    print(json.dumps(found["retention"], indent=1), flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1))
    return 0


def real_run(place: Path | str, folder: Path, runs: int = RUNS, tasks: int = TASKS) -> float:
    """Seconds that a client needs for flow runs, each with so many task runs."""
    with hosted(place, folder) as address:
        began = time.perf_counter()
        environment = {**os.environ, "ANTIPHON_API_URL": address, "ANTIPHON_HOME": str(folder / "client")}
        command = [sys.executable, str(Path(__file__).parent / "flows.py"), str(runs), str(tasks)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return round(time.perf_counter() - began, 2)


def _rows(engine: Engine, task_runs: int) -> Mapping[str, float]:
    with engine.connect() as connection:
        counts = {t.name: connection.execute(text(f"SELECT count(*) FROM {t.name}")).scalar_one() for t in GROWING}
    return {name: count / task_runs for name, count in counts.items()}


def _settle(engine: Engine) -> None:
    """As the database does by itself after a while: it counts what there is, and its log is written into place."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            driver.execute("SET statement_timeout = 0")
            driver.execute("VACUUM ANALYZE")
            driver.execute("CHECKPOINT")


def _measure(place: Path | str, engine: Engine, size: int) -> Mapping[str, Any]:
    sizes = sizes_of(engine)
    heard = Listener()
    flow_run, flow = _middle(engine)
    with TemporaryDirectory(prefix="antiphon-scale-") as folder, heard.listening():
        with hosted(place, Path(folder)) as address:
            with ServiceClient(address) as client:
                took = {**operations.run_tasks(client, flow_run), **operations.read_lists(client, flow_run, flow)}
            with grpc.insecure_channel(address) as channel:
                took |= operations.watch(channel, flow_run)
        took |= operations.do_chores(engine, wall_clock())
    large = [table.name for table in GROWING if size >= MANY and table.name not in ("sessions", "flow_runs")]
    return {
        "bytes": whole_size(engine),
        "bytes of a task run": {f"{t} {i}".strip(): round(each / size, 1) for (t, i), each in sorted(sizes.items())},
        "milliseconds, p50 p99 of": {name: [*_figures(each), len(each)] for name, each in took.items()},
        "statements": len(heard.heard),
        "looks at all of a large table": heard.looks_at_all(engine, large),
    }


def _middle(engine: Engine) -> tuple[str, str]:
    """A flow run that is neither new nor old, and its flow."""
    runs = tables.flow_runs.c
    with engine.connect() as connection:
        count: int = connection.execute(text("SELECT count(*) FROM flow_runs")).scalar_one()
        row = connection.execute(select(runs.id, runs.flow_id).order_by(runs.id).offset(count // 2).limit(1)).one()
    return row.id, row.flow_id


def _figures(took: Sequence[float]) -> tuple[float, float]:
    return round(percentile(took, 50), 2), round(percentile(took, 99), 2)


def _delete(engine: Engine) -> Mapping[str, Any]:
    rate, took = operations.delete_old(engine, wall_clock())
    return {"task runs a second": round(rate), "milliseconds of a transaction, p50 p99": _figures(took)}


if __name__ == "__main__":
    sys.exit(main())

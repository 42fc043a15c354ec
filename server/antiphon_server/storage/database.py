"""The way in for writes: one synchronous engine. That for reads is in `reader_engine.py`."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL


def sqlite_durability(durable: bool) -> str:
    """How commits reach the disk; shown by AdminService.GetServerInfo."""
    return f"sqlite wal synchronous={_synchronous(durable)}"


def _synchronous(durable: bool) -> str:
    return "FULL" if durable else "OFF"


def sqlite_url(path: Path, driver: str = "pysqlite") -> URL:
    return URL.create(f"sqlite+{driver}", database=os.fspath(path))


def writer_engine(path: Path, *, durable: bool = True) -> Engine:
    """An engine whose transactions take SQLite's write lock at their start and, if `durable`, are on the disk when
    committed."""
    # What users gave stays out of the words of errors, which are logged.
    connect_args = {"check_same_thread": False, "timeout": 10}
    engine = create_engine(sqlite_url(path), connect_args=connect_args, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: Any) -> None:
        # The driver's own transaction handling begins too late for a read that precedes a write.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={_synchronous(durable)}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-16000")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine

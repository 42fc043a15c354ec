"""SQLite: a file that one server has for itself."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from antiphon_server.clocks import wall_clock

#: Each is a thread of this process.
READERS = 4


class Sqlite:
    """A `Database` in a file. Its clock is this machine's: nobody else is on it."""

    shared = False

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self.address = f"sqlite:///{path}"
        self._synchronous = "FULL" if durable else "OFF"
        self.durability = f"sqlite wal synchronous={self._synchronous}"
        self.clock: Callable[[], int] = wall_clock

    def _url(self, driver: str) -> URL:
        return URL.create(f"sqlite+{driver}", database=os.fspath(self.path))

    def writer_engine(self) -> Engine:
        """Transactions take SQLite's write lock at their start."""
        # What users gave stays out of the words of errors, which are logged.
        connect_args = {"check_same_thread": False, "timeout": 10}
        engine = create_engine(self._url("pysqlite"), connect_args=connect_args, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def on_connect(connection: sqlite3.Connection, _: Any) -> None:
            # The driver's own transaction handling begins too late for a read that precedes a write.
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA cache_size=-16000")

        @event.listens_for(engine, "begin")
        def on_begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    def others(self) -> None:
        return None

    async def listen(self, stir: Callable[[], None]) -> None:
        """Nobody else says anything."""

    def reader_url(self) -> URL:
        return self._url("aiosqlite")

    def reader_options(self) -> dict[str, Any]:
        return {"pool_size": READERS}

    def prepare_reader(self, connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.execute("PRAGMA cache_size=-4000")
        cursor.close()

"""The way in for reads. A module of its own because it is slow to load: nothing that must start at once imports it."""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from antiphon_server.storage.database import sqlite_url
from antiphon_server.storage.reader import BUDGET, GUESS_STEPS

READERS = 4


class Budget:
    """Ends a statement that takes more than GUESS_STEPS while it is `limited`; it then fails with SQLITE_INTERRUPT."""

    def __init__(self) -> None:
        self.limited = False

    def __call__(self) -> bool:
        return self.limited


def reader_engine(path: Path) -> AsyncEngine:
    """Engines for queries; they see the last commit and cannot write."""
    engine = create_async_engine(sqlite_url(path, "aiosqlite"), pool_size=READERS, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.execute("PRAGMA cache_size=-4000")
        cursor.close()
        budget = record.info[BUDGET] = Budget()
        connection.run_async(lambda driver: driver.set_progress_handler(budget, GUESS_STEPS))

    return engine

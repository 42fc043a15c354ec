"""The way in for reads. A module of its own because it is slow to load: nothing that must start at once imports it."""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from antiphon_server.storage.database import sqlite_url

READERS = 4


def reader_engine(path: Path) -> AsyncEngine:
    """Engines for queries; they see the last commit and cannot write."""
    engine = create_async_engine(sqlite_url(path, "aiosqlite"), pool_size=READERS, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.execute("PRAGMA cache_size=-4000")
        cursor.close()

    return engine

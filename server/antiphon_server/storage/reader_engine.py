"""The way in for reads. A module of its own because it is slow to load: nothing that must start at once imports it."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from antiphon_server.storage.database import Database


def reader_engine(database: Database) -> AsyncEngine:
    """An engine for queries; they see the last commit and cannot write."""
    url, options = database.reader_url(), database.reader_options()
    engine = create_async_engine(url, max_overflow=0, hide_parameters=True, **options)
    event.listen(engine.sync_engine, "connect", database.prepare_reader)
    return engine

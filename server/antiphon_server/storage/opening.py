"""From what an operator says to the database that is meant."""

import importlib
from pathlib import Path

from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.storage.database import Database
from antiphon_server.storage.sqlite import Sqlite

_POSTGRESQL = "antiphon_server.storage.postgresql"


def database_at(place: Path | str, *, durable: bool = True) -> Database:
    """SQLite's in the file of a path, or PostgreSQL's at a URL.

    Raises InvalidArgument (DATABASE_URL_INVALID), and FailedPrecondition (DRIVER_MISSING) where what it takes is not
    installed.
    """
    if isinstance(place, Path):
        return Sqlite(place, durable=durable)
    try:
        # Loaded where it is used: a server that starts for one hello has no use for it.
        module = importlib.import_module(_POSTGRESQL)
    except ImportError as error:
        raise FailedPrecondition(
            "DRIVER_MISSING",
            "PostgreSQL needs a driver that is not installed: pip install 'antiphon[postgresql]'",
        ) from error
    database: Database = module.Postgresql(place, durable=durable)
    return database

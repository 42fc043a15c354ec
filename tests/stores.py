"""On which database tests run: SQLite, or PostgreSQL where ANTIPHON_TEST_STORE says `postgresql`.

A test names a file; on PostgreSQL a database of its own stands for that file, the same one each time. All processes of
a run on PostgreSQL share one cluster, which the first one starts and ends.
"""

import atexit
import os
import sqlite3
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from antiphon_server.storage import all_tables, postgresql
from antiphon_server.storage.database import Database
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.schema import HEAD, VERSION_TABLE
from postgresql_cluster import MISSING, Cluster, binaries

POSTGRESQL = os.environ.get("ANTIPHON_TEST_STORE", "sqlite") == "postgresql"
#: For tests of what only SQLite has: its files, its locks, its words.
only_sqlite = pytest.mark.skipif(POSTGRESQL, reason="about SQLite alone")
#: For secrets: on a database that others may share no server makes a key for itself.
TEST_KEY = "VGVzdHMgaGF2ZSBhIGtleSBvZiB0aGVpciBvd24gLS0="

#: By this environment variable processes are told of the cluster that they share, with `{}` for the database's name.
_SHARED = "ANTIPHON_TEST_POSTGRESQL_URL"

# Tests hold up transactions for longer than a server may be silent in one.
postgresql.SILENCE = 60_000

_made: dict[Path, str] = {}
_spare: list[str] = []
#: Those in which a test may have changed tables.
_altered: set[str] = set()
_numbers = count(1)


def share_cluster() -> None:
    """Starts the cluster of this process and of those that it starts, if tests run on PostgreSQL."""
    if POSTGRESQL:
        if binaries() is None:
            raise pytest.UsageError(f"ANTIPHON_TEST_STORE is postgresql, and {MISSING}")
        os.environ[_SHARED] = _urls()


@cache
def _urls() -> str:
    if _SHARED in os.environ:
        return os.environ[_SHARED]
    made = Cluster(durable=False)
    atexit.register(made.remove)
    made.start()
    return made.url("{}")


def database_url(name: str) -> str:
    return _urls().format(name)


def administer(statement: str) -> None:
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


def place_for(path: Path, *, bare: bool = False) -> Path | str:
    """Where a server keeps its data for which a file stands; `bare` if there must be no table in it at first."""
    return url_for(path, bare=bare) if POSTGRESQL else path


def url_for(path: Path, *, bare: bool = False) -> str:
    """Of PostgreSQL, whatever the tests run on."""
    path = path.resolve()
    if path not in _made:
        _made[path] = _spare.pop() if _spare and not bare else _create()
        if bare:
            _altered.add(_made[path])
    return database_url(_made[path])


def _create() -> str:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    administer(f"CREATE DATABASE {name}")
    return name


def database_for(path: Path, *, bare: bool = False, **options: Any) -> Database:
    return database_at(place_for(path, bare=bare), **options)


def give_back(folder: Path) -> None:
    """Makes the databases that stand for files in a folder free for other tests."""
    for path in [path for path in _made if path.is_relative_to(folder.resolve())]:
        name = _made.pop(path)
        if name not in _altered and _emptied(name):
            _spare.append(name)
        else:
            administer(f"DROP DATABASE {name} WITH (FORCE)")


def _emptied(name: str) -> bool:
    """Whether the database has our tables, without a row now: much faster than a new one."""
    tables = [*all_tables.metadata.tables, VERSION_TABLE]
    with psycopg.connect(database_url(name), autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        if {each for (each,) in names} != set(tables):
            return False
        if connection.execute(f"SELECT version_num FROM {VERSION_TABLE}".encode()).fetchone() != (HEAD,):
            return False
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("; ".join(f"DELETE FROM {each}" for each in all_tables.metadata.tables).encode())
    return True


def committed(path: Path, query: str) -> list[Any]:
    """What a connection of its own sees."""
    return committed_at(place_for(path), query)


def committed_at(place: Path | str, query: str) -> list[Any]:
    """The same of a file, or of a URL."""
    if isinstance(place, str):
        with psycopg.connect(place, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(place)) as file:
        return file.execute(query).fetchall()


def change(path: Path, statement: str) -> None:
    """Changes what no server uses now, past all of our code."""
    if POSTGRESQL:
        with psycopg.connect(url_for(path), autocommit=True) as connection:
            connection.execute(statement.encode())
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(statement)


def check_integrity(path: Path) -> None:
    """That a file is not damaged. On PostgreSQL nothing of ours could have done that."""
    if not POSTGRESQL:
        assert committed(path, "PRAGMA integrity_check") == [("ok",)]


def bytes_kept(path: Path) -> bytes:
    """All that the tables hold; of SQLite's the file has it."""
    if not POSTGRESQL:
        return b""
    rows = [row for name in all_tables.metadata.tables for row in committed(path, f"SELECT * FROM {name}")]
    return b" ".join(bytes(each) if isinstance(each, bytes) else str(each).encode() for row in rows for each in row)


def trace(connection: Any, seen: list[str]) -> None:
    """Notes each statement that a new connection of a driver gets from now on."""
    if not POSTGRESQL:
        connection.set_trace_callback(seen.append)
        return

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            seen.append(query)
            return super().execute(query, *arguments, **options)

        def executemany(self, query: Any, rows: Any, **options: Any) -> None:
            rows = list(rows)
            # SQLite's driver tells of one statement for each row.
            seen.extend([query] * len(rows))
            super().executemany(query, rows, **options)

        def copy(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            seen.append(statement)
            return super().copy(statement, *arguments, **options)

    connection.cursor_factory = Noting

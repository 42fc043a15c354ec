"""Hands on a PostgreSQL of the tests' own, of which servers know nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from antiphon_server.storage.postgresql import LOCK
from stores import administer

_PATIENCE = 20_000


def name_of(url: str) -> str:
    """Of the database."""
    return url.rpartition("/")[2]


def say(url: str, *statements: str) -> None:
    """Has statements done in a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


def end_connections(url: str) -> None:
    """Ends those of servers, as an operator or a failover does; returns once they are gone."""
    administer(
        f"SELECT pg_terminate_backend(pid, {_PATIENCE}) FROM pg_stat_activity "
        f"WHERE datname = '{name_of(url)}' AND application_name = 'antiphon-server'"
    )


def waiting_for_lock(url: str) -> bool:
    """Whether a server's transaction waits for that of another one."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [name_of(url)]
        )
        return found.fetchone() is not None


@contextmanager
def lock_held(url: str) -> Iterator[None]:
    """Somebody else holds the lock of transactions that write."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
        connection.rollback()


@contextmanager
def disk_full(url: str, table: str) -> Iterator[None]:
    """Rows that are put into a table find no room, as PostgreSQL says it."""
    say(
        url,
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
        f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()",
    )
    yield
    say(url, f"DROP TRIGGER no_room ON {table}", "DROP FUNCTION no_room")


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """The database takes no writes from connections to come; those that are there are ended. So does a standby."""
    administer(f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on")
    end_connections(url)
    yield
    administer(f"ALTER DATABASE {name_of(url)} RESET default_transaction_read_only")
    end_connections(url)

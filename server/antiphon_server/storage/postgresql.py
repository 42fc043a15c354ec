"""PostgreSQL: a database that several servers may share.

A transaction that writes takes one lock of the database first and holds it to its end, so that of all servers one
decides at a time, on facts that nobody changes meanwhile, as on SQLite. Group commit makes up for it: while one server
holds the lock, what the others are asked queues up for one transaction of theirs.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.pq import Conninfo
from psycopg.types.string import StrDumper
from sqlalchemy import Column, Dialect, Engine, create_engine, event
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGTypeCompiler
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.storage.postgresql_feed import PostgresqlOthers, listen

#: Of the lock, among the advisory locks of the database: "antiphon" in ASCII.
LOCK = int.from_bytes(b"antiphon")
#: Milliseconds: a statement of ours that takes longer is ended, and a transaction in which a server falls silent, so
#: that one that hangs does not hold up the others.
STATEMENT_TIMEOUT, SILENCE = 30_000, 3_000
#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 5
READERS = 8

_BEGIN = (
    f"BEGIN; SELECT pg_advisory_xact_lock({LOCK}); SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
)


class DatabaseClock:
    """The database's clock, as it was told in the last transaction; from then on this process counts the time. It is
    never ahead of the database, and at most as far behind as its word needs to get here."""

    def __init__(self) -> None:
        self._told: tuple[int, int] | None = None

    def learn(self, now: int) -> None:
        """Takes the time, in microseconds, that the database has told just now."""
        self._told = now, time.monotonic_ns()

    def __call__(self) -> int:
        assert self._told is not None, "the clock of a database without a transaction"
        now, at = self._told
        return now + (time.monotonic_ns() - at) // 1000


class Postgresql:
    """A `Database` at a URL such as `postgresql://user:password@host:5432/name`."""

    shared = True

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Raises InvalidArgument for a URL that is none."""
        self._url = _parsed(url)
        self._commit = "on" if durable else "off"
        self._clock = DatabaseClock()
        self.address = self._url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.durability = f"postgresql synchronous_commit={self._commit}"

    @property
    def clock(self) -> Callable[[], int]:
        return self._clock

    def writer_engine(self) -> Engine:
        engine = create_engine(
            self._url,
            # The writer keeps its own. One that lay in a pool might be dead when it is needed.
            poolclass=NullPool,
            connect_args=self._connect_args(synchronous_commit=self._commit),
            hide_parameters=True,
            paramstyle="format",
        )
        spell(engine.dialect)

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _: Any) -> None:
            # One word begins a transaction, locks, and asks the time.
            connection.autocommit = True
            connection.adapters.register_dumper(str, _TextDumper)

        @event.listens_for(engine, "begin")
        def on_begin(connection: Any) -> None:
            with connection.connection.cursor() as cursor:
                cursor.execute(_BEGIN)
                while cursor.nextset():
                    pass
                self._clock.learn(cursor.fetchone()[0])

        return engine

    def others(self) -> PostgresqlOthers:
        return PostgresqlOthers()

    async def listen(self, stir: Callable[[], None]) -> None:
        await listen(self._connect, stir)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        # It waits for as long as nobody says anything.
        options = self._connect_args(statement_timeout=0)
        return await psycopg.AsyncConnection.connect(url, autocommit=True, **options)

    def reader_url(self) -> URL:
        return self._url

    def reader_options(self) -> dict[str, Any]:
        return {
            "pool_size": READERS,
            "connect_args": self._connect_args(default_transaction_read_only="on"),
            # Each statement sees the last commit, and none needs a transaction around it.
            "isolation_level": "AUTOCOMMIT",
        }

    def prepare_reader(self, connection: Any, record: Any) -> None:
        connection.driver_connection.adapters.register_dumper(str, _TextDumper)

    def _connect_args(self, **options: Any) -> dict[str, Any]:
        """What each connection begins with; `options` are settings of PostgreSQL."""
        options = {
            "application_name": "antiphon-server",
            "timezone": "UTC",
            "statement_timeout": STATEMENT_TIMEOUT,
            "idle_in_transaction_session_timeout": SILENCE,
            # Our statements are short: to compile them costs more than it saves.
            "jit": "off",
            **options,
        }
        return {
            "connect_timeout": CONNECT_TIMEOUT,
            # A machine that vanished is noticed by then, on both sides.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        }


class _TextDumper(StrDumper):
    """PostgreSQL's texts hold everything but the character NUL; the picture of it stands for it."""

    def dump(self, text: str) -> Any:
        return super().dump(text.replace("\0", "\N{SYMBOL FOR NULL}"))


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # The latter for a port.
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres") or not url.database:
        raise InvalidArgument(
            "DATABASE_URL_INVALID",
            "the database is named by a URL such as postgresql://user:password@host:5432/antiphon; what was given "
            "is none",  # It is not shown: there may be a password in it.
        )
    known = {each.keyword.decode() for each in Conninfo.get_defaults()}
    unknown = [name for name in url.query if name not in known]
    if unknown:
        raise InvalidArgument(
            "DATABASE_URL_INVALID",
            f"the database's URL has {unknown[0]!r} behind its question mark, which is no option of a connection to "
            "PostgreSQL; its manual lists them under 'Parameter Key Words', such as sslmode",
        )
    return url.set(drivername="postgresql+psycopg")


def spell(dialect: Dialect) -> None:
    """Has tables made as we need them."""
    dialect.ddl_compiler = _Ddl
    dialect.type_compiler_instance = _Types(dialect)


class _Types(PGTypeCompiler):
    """Texts of columns are ordered by code points, as on SQLite, whatever language the database has."""

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return super().visit_VARCHAR(type_, **kw) + _order_of(kw)

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:
        return super().visit_TEXT(type_, **kw) + _order_of(kw)


def _order_of(kw: Mapping[str, Any]) -> str:
    return ' COLLATE "C"' if isinstance(kw.get("type_expression"), Column) else ""


class _Ddl(PGDDLCompiler):
    """A partial index is told by SQLite's word; the condition is the same here."""

    def visit_create_index(self, create: Any, *arguments: Any, **kw: Any) -> Any:
        options = create.element.dialect_options
        if options["postgresql"]["where"] is None:
            options["postgresql"]["where"] = options["sqlite"]["where"]
        return super().visit_create_index(create, *arguments, **kw)  # type: ignore[no-untyped-call]

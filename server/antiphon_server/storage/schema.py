"""Brings a database to the schema of this release, or says why it cannot.

A new database gets the tables as they are now; an older one is migrated step by step, for which Alembic is loaded only
then, since a server that starts for one hello must not wait for it. A test holds both ways to the same result.
"""

import importlib
import logging
import secrets
from collections.abc import Callable

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from antiphon_server.domain.errors import AntiphonError, FailedPrecondition
from antiphon_server.storage import all_tables, tables
from antiphon_server.storage.faults import storage_error

logger = logging.getLogger(__name__)

#: Every revision that ever was, oldest first.
REVISIONS = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013"),
    *("0014", "0015", "0016"),
)
HEAD = REVISIONS[-1]
#: Of a database whose every migration was taken back.
BASE = "base"
VERSION_TABLE = "alembic_version"
_UPGRADE = "antiphon_server.storage.migrations.upgrade"


def prepare(engine: Engine, before_migrating: Callable[[str], None] | None = None) -> bytes:
    """Makes or migrates the tables; gives the secret with which this database's tokens are signed.

    `before_migrating` is called with the revision of a database that is to be migrated, and may refuse.

    Raises FailedPrecondition (SCHEMA_UNKNOWN) for a database of a newer release or of another program, and what
    `storage_error` says where it cannot be read or written.
    """
    try:
        with engine.begin() as connection:
            revision = _revision(connection)
            if revision is None:
                _create(connection)
        if revision is not None and revision != HEAD:
            _migrate(engine, revision, before_migrating)
        with engine.begin() as connection:
            return _signing_key(connection)
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        fault: AntiphonError | None = storage_error(error)
        if fault is None:
            raise
        raise fault from error


def _revision(connection: Connection) -> str | None:
    """None for a database without tables."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if VERSION_TABLE not in names:
        raise FailedPrecondition(
            "SCHEMA_UNKNOWN", "the database has tables that are not ours; point the server to another database"
        )
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()
    return revision or BASE


def _create(connection: Connection) -> None:
    all_tables.metadata.create_all(connection, checkfirst=False)
    # As Alembic makes it, which is not loaded for it.
    version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(connection)
    connection.execute(version.insert(), {"version_num": HEAD})


def _signing_key(connection: Connection) -> bytes:
    meta = tables.meta
    known: bytes | None = connection.execute(
        meta.select().with_only_columns(meta.c.value).where(meta.c.key == "signing_key")
    ).scalar_one_or_none()
    if known is not None:
        return known
    key = secrets.token_bytes(32)
    connection.execute(meta.insert(), {"key": "signing_key", "value": key})
    return key


def check_known(revision: str, whose: str, instead: str) -> None:
    """Raises FailedPrecondition (SCHEMA_UNKNOWN) for the schema of a newer release; `whose` it is, and what people may
    do `instead` of installing that, are words for the message."""
    if revision not in (BASE, *REVISIONS):
        raise FailedPrecondition(
            "SCHEMA_UNKNOWN",
            f"{whose} has schema {revision}, which this release (schema {HEAD}) does not know; it was made by a newer "
            f"one. Install that release, or {instead}",
        )


def _migrate(engine: Engine, revision: str, before: Callable[[str], None] | None) -> None:
    check_known(revision, "the database", "point the server to another database")
    if before is not None:
        before(revision)
    importlib.import_module(_UPGRADE).upgrade(engine, HEAD)
    logger.info("the database was upgraded from schema %s to %s", revision, HEAD)

"""How servers on one PostgreSQL tell each other that there is something to hear: LISTEN and NOTIFY."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection

from antiphon_server.storage.change_words import words_of
from antiphon_server.storage.working_set import Changes, WorkingSet

logger = logging.getLogger(__name__)

CHANNEL = "antiphon_changes"
#: Seconds before another connection is tried.
RETRY_AFTER = 1.0

# Under the lock of the writers nobody else takes the number. It is told of when the transaction is committed.
_PUBLISH = f"""
    INSERT INTO changes (number, server_id, create_time, body)
    SELECT coalesce(max(number), 0) + 1, %s, %s, %s FROM changes
    RETURNING number, pg_notify('{CHANNEL}', '')
"""
_NEWEST = "SELECT coalesce(max(number), 0) FROM changes"
_MISSED = "SELECT number, body FROM changes WHERE number > %s AND number <= %s ORDER BY number"


class PostgresqlOthers:
    """The `Others` of a writer."""

    def __init__(self) -> None:
        #: Up to this number all commits were given, or are from before this server.
        self._given: int | None = None
        #: The last one before the transaction of now.
        self._before = 0

    def publish(self, working_set: WorkingSet) -> None:
        """Writes what a transaction changes for the other servers, and numbers it."""
        cursor: Any = working_set.connection.connection.cursor()
        words = words_of(working_set.changes)
        if words is None:
            (self._before,) = cursor.execute(_NEWEST).fetchone()
            return
        said = (working_set.server_id, working_set.now, words)
        number, _ = cursor.execute(_PUBLISH, said).fetchone()
        working_set.changes.number, self._before = number, number - 1

    def missed(self, connection: Connection, changes: Changes) -> Sequence[tuple[int, str]]:
        """What others committed in the meantime."""
        given, self._given = self._given, changes.number or self._before
        if given is None or given >= self._before:
            return ()
        try:
            cursor: Any = connection.connection.cursor()
            found: Sequence[tuple[int, str]] = cursor.execute(_MISSED, (given, self._before)).fetchall()
            return found
        except psycopg.Error as error:
            # It is committed all the same, and what is missing is read by and by.
            logger.warning("what other servers did is heard later: %s", error)
            return ()


async def listen(connect: Callable[[], Any], stir: Callable[[], None]) -> None:
    """Calls `stir` whenever a server has said something, or may have, until it is cancelled. `connect` gives a new
    connection."""
    while True:
        try:
            async with await connect() as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                # What was said before is not told.
                stir()
                async for _ in connection.notifies():
                    stir()
        except psycopg.Error as error:
            logger.warning("other servers are heard by looking until there is a connection again: %s", error)
        await asyncio.sleep(RETRY_AFTER)

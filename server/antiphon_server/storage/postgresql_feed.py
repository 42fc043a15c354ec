"""How servers on one PostgreSQL tell each other that there is something to hear: LISTEN and NOTIFY."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg

from antiphon_server.storage.change_words import words_of
from antiphon_server.storage.working_set import WorkingSet

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


def publish(working_set: WorkingSet) -> None:
    """Writes what a transaction changes for the other servers, and numbers it."""
    words = words_of(working_set.changes)
    if words is None:
        return
    said = (working_set.server_id, working_set.now, words)
    cursor: Any = working_set.connection.connection.cursor()
    cursor.execute(_PUBLISH, said)
    working_set.changes.number = cursor.fetchone()[0]


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

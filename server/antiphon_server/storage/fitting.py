"""How many rows are loaded at once, by what they weigh."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select

from antiphon_server.storage.statements import POSTGRESQL

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

#: A page ends before the row with which it would grow beyond this, unless that is its first.
MAX_PAGE_BYTES = 2 * 1024 * 1024
#: The same for rows that are asked for by their ids.
MAX_BATCH_BYTES = 1024 * 1024
_CHUNK = 64


def fitting_ids(ids: Sequence[str], weight_of: Mapping[str, int]) -> tuple[int, list[str]]:
    """How many of the ids, from the first one on, fit into a batch, and which of these have a weight."""
    fitting: list[str] = []
    room = MAX_BATCH_BYTES
    for looked_at, id in enumerate(ids):
        room -= weight_of.get(id, 0)
        if room < 0 and fitting:
            return looked_at, fitting
        if id in weight_of:
            fitting.append(id)
    return len(ids), fitting


async def fitting_keys(
    connection: "AsyncConnection", statement: Select[Any], limit: int
) -> tuple[list[tuple[Any, ...]], bool]:
    """The keys of the rows that fit into a page, and whether more rows follow."""
    keys: list[tuple[Any, ...]] = []
    spent = 0
    if connection.dialect.name == POSTGRESQL:
        # Its cursors live in transactions, which readers do without else.
        await connection.execution_options(isolation_level="READ COMMITTED")
    async with connection.stream(statement, execution_options={"yield_per": min(limit + 1, _CHUNK)}) as result:
        async for chunk in result.partitions():
            for weight, *key in chunk:
                spent += weight
                if len(keys) == limit or (keys and spent > MAX_PAGE_BYTES):
                    return keys, True
                keys.append(tuple(key))
    return keys, False

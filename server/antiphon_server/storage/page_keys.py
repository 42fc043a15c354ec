"""Which rows are on a page of a list.

An index may lead straight to them, but which one is a guess: SQLite knows nothing of what tables hold. Where few of
the rows that an index leads to fit the filter, a walk along it, with a look into the table at each of them, takes many
times as long as a look at all rows as they lie. So the guess has a budget, and after that all rows are looked at: of
100,000 runs that takes 20 to 50 milliseconds, whatever the filter and the order, and twice as long of twice as many.
What costs more may be guessed at for longer: where the database is large, a second guess goes before that look.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select, text
from sqlalchemy.exc import OperationalError

from antiphon_server.domain.filter_tree import FilterNode
from antiphon_server.domain.ordering import OrderKey
from antiphon_server.storage.keyset import after_clause, order_clauses
from antiphon_server.storage.selection import narrowed
from antiphon_server.storage.sources import Source
from antiphon_server.storage.sql_functions import unindexed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

#: Steps of SQLite's machine that a guess may take: at all, and for each row of the page.
GUESS_STEPS, GUESS_STEPS_OF_ROW = 20_000, 50
#: Steps of a second guess for each page of the database. A look at all rows takes about ten times as long.
GUESS_STEPS_OF_PAGE = 0.25


async def page_keys(
    connection: "AsyncConnection",
    source: Source,
    condition: FilterNode | None,
    order: Sequence[OrderKey],
    after: Sequence[Any] | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """The order keys of at most `limit` rows, as `key_query` has them."""
    guess = key_query(source, condition, order, after, limit)
    if connection.dialect.name != "sqlite":
        # Others keep statistics, by which they guess better.
        return [tuple(row) for row in await connection.execute(guess)]
    steps = GUESS_STEPS + limit * GUESS_STEPS_OF_ROW
    found = await _within(connection, guess, steps)
    if found is None:
        more = int((await connection.execute(text("PRAGMA page_count"))).scalar_one() * GUESS_STEPS_OF_PAGE)
        # A little more than before would hardly find what was not found.
        found = await _within(connection, guess, more) if more > 2 * steps else None
    if found is not None:
        return found
    look = look_query(source, condition, order, after, limit)
    return [tuple(row) for row in await connection.execute(look)]


def key_query(
    source: Source, condition: FilterNode | None, order: Sequence[OrderKey], after: Sequence[Any] | None, limit: int
) -> Select[Any]:
    """A query for the order keys, of which the id is the last, of at most `limit` rows behind the keys `after`."""
    statement = _behind(source, condition, order, after)
    return statement.order_by(*order_clauses(order, source.columns)).limit(limit)


def look_query(
    source: Source, condition: FilterNode | None, order: Sequence[OrderKey], after: Sequence[Any] | None, limit: int
) -> Select[Any]:
    """The same by a look at all rows."""
    found = _behind(_without_indexes(source), condition, order, after)
    if not source.table.dialect_options["sqlite"]["with_rowid"]:
        # They lie in the order of their ids, which is about that of time: from the end that comes first, so that what
        # is sorted stays in its place.
        id = source.table.c.id
        found = found.order_by(id.desc() if order[-1].descending else id.asc())
    # Without an offset SQLite would make one query of both.
    rows = found.offset(0).subquery()
    columns = {key.column: column for key, column in zip(order, rows.c, strict=True)}
    return select(*rows.c).order_by(*order_clauses(order, columns)).limit(limit)


def _behind(
    source: Source, condition: FilterNode | None, order: Sequence[OrderKey], after: Sequence[Any] | None
) -> Select[Any]:
    """The order keys of the rows behind the keys `after`."""
    names = [key.column for key in order]
    columns = [source.columns[name].label(f"key_{place}") for place, name in enumerate(names)]
    statement: Select[Any] = narrowed(select(*columns), source, condition, names)
    return statement if after is None else statement.where(after_clause(order, source.columns, after))


def _without_indexes(source: Source) -> Source:
    columns = {name: unindexed(column) for name, column in source.columns.items()}
    looked_up = {name: replace(each, key=unindexed(each.key)) for name, each in source.looked_up.items()}
    return replace(source, columns=columns, looked_up=looked_up)


async def _within(connection: "AsyncConnection", statement: Select[Any], steps: int) -> list[tuple[Any, ...]] | None:
    """The rows of a statement, or None where it takes more steps than that."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        # Once it is asked for it comes, even where nobody waits for it any more.
        await driver.set_progress_handler(lambda: True, steps)
        return [tuple(row) for row in await connection.execute(statement)]
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        await driver.set_progress_handler(None, 0)

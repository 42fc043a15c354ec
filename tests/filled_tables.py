"""Databases of any revision, with rows in every table."""

from typing import Any

from sqlalchemy import Boolean, Column, Engine, Float, Integer, LargeBinary, MetaData, String, Table

from antiphon_server.storage.schema import VERSION_TABLE

#: Of each table so many rows.
ROWS = 3


def tables_of(engine: Engine) -> list[Table]:
    """As the database has them, not as this release does."""
    metadata = MetaData()
    with engine.begin() as connection:
        metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


def value(column: Column[Any], number: int) -> Any:
    """One that fits the column and is its own, or NULL where it may be, in the last row."""
    if column.nullable and not column.primary_key and number == ROWS:
        return None
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Float):
        return number + 0.25
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, LargeBinary):
        return f"{column.name} {number}".encode()
    assert isinstance(column.type, String), column
    return f"{column.table.name[:8]} {column.name[:16]} {number}"


def fill(engine: Engine) -> None:
    """Puts rows into every table."""
    for table in tables_of(engine):
        rows = [{column.name: value(column, number) for column in table.c} for number in range(1, ROWS + 1)]
        with engine.begin() as connection:
            connection.execute(table.insert(), rows)

"""The statements of the hot path: SQL made once from Core and run on the driver's cursor.

A transaction with a single proposal is what a lone caller waits for. Core's way from a statement to the driver costs
more there than the statement itself, so it is gone once and remembered.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Select, Table, bindparam, select
from sqlalchemy.sql.dml import UpdateBase

Row = tuple[Any, ...]

#: Keys in one IN list; SQLite takes 32,766 parameters and PostgreSQL 65,535.
MAX_KEYS = 1024


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many keys at a time as a statement takes."""
    for start in range(0, len(keys), MAX_KEYS):
        yield keys[start : start + MAX_KEYS]


class Lookup:
    """Rows by key: `statement` with `WHERE key IN (...)`."""

    def __init__(self, statement: Select[Any], key: ColumnElement[Any]) -> None:
        self._statement = statement
        self._key = key
        #: (dialect, number of keys) -> SQL. Numbers are powers of two, so that there are few texts.
        self._sql: dict[tuple[str, int], str] = {}

    def rows(self, cursor: Any, dialect: Dialect, keys: Sequence[str]) -> Iterator[Row]:
        for chunk in chunks(keys):
            size = 1 << (len(chunk) - 1).bit_length()
            padded = [*chunk, *[chunk[-1]] * (size - len(chunk))]
            cursor.execute(self._text(dialect, size), padded)
            yield from cursor.fetchall()

    def _text(self, dialect: Dialect, size: int) -> str:
        text = self._sql.get((dialect.name, size))
        if text is None:
            keys: list[Any] = [bindparam(f"key_{i}") for i in range(size)]
            statement = self._statement.where(self._key.in_(keys))
            text = self._sql[dialect.name, size] = str(statement.compile(dialect=dialect))
        return text


def rows_of(table: Table, columns: Sequence[str], key: str = "id") -> Lookup:
    """`SELECT columns FROM table WHERE key IN (...)`."""
    return Lookup(select(*(table.c[name] for name in columns)), table.c[key])


class Write:
    """One INSERT, UPDATE or DELETE for many rows; a row is a tuple in the order of `columns`."""

    def __init__(self, statement: UpdateBase, columns: Sequence[str]) -> None:
        self._statement = statement
        self.columns = tuple(columns)
        self._sql: dict[str, str] = {}

    def run(self, cursor: Any, dialect: Dialect, rows: Iterable[Row]) -> None:
        text = self._sql.get(dialect.name)
        if text is None:
            compiled = self._statement.compile(dialect=dialect)
            if tuple(compiled.positiontup or ()) != self.columns:
                raise AssertionError(f"{compiled} takes {compiled.positiontup}, not {self.columns}")
            text = self._sql[dialect.name] = str(compiled)
        cursor.executemany(text, rows)


def insert_into(table: Table, columns: Sequence[str]) -> Write:
    # Core puts columns in the table's order.
    ordered = [column.name for column in table.c if column.name in columns]
    return Write(table.insert().values({name: bindparam(name) for name in ordered}), ordered)


def update_by_id(table: Table, columns: Sequence[str]) -> Write:
    """Rows end with the id."""
    ordered = [column.name for column in table.c if column.name in columns]
    values: dict[str, Any] = {name: bindparam(name) for name in ordered}
    return Write(table.update().where(table.c.id == bindparam("key")).values(values), (*ordered, "key"))

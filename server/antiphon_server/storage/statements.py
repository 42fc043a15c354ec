"""The statements of the hot path: SQL made once from Core and run on the driver's cursor.

A transaction with a single proposal is what a lone caller waits for. Core's way from a statement to the driver costs
more there than the statement itself, so it is gone once and remembered.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, Select, Table, any_, bindparam, select
from sqlalchemy.sql.dml import UpdateBase

Row = tuple[Any, ...]

POSTGRESQL = "postgresql"
#: Keys in one IN list; SQLite takes 32,766 parameters and PostgreSQL 65,535.
MAX_KEYS = 1024
#: From how many rows on PostgreSQL takes them faster by COPY, and as arrays, than one by one.
MANY = 8


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
        if dialect.name == POSTGRESQL:
            cursor.execute(self._text(dialect, 0, self._any), (list(keys),))
            yield from cursor.fetchall()
            return
        for chunk in chunks(keys):
            size = 1 << (len(chunk) - 1).bit_length()
            padded = [*chunk, *[chunk[-1]] * (size - len(chunk))]
            cursor.execute(self._text(dialect, size, self._in), padded)
            yield from cursor.fetchall()

    def _text(self, dialect: Dialect, size: int, condition: Callable[[int], ColumnElement[bool]]) -> str:
        text = self._sql.get((dialect.name, size))
        if text is None:
            statement = self._statement.where(condition(size))
            text = self._sql[dialect.name, size] = str(statement.compile(dialect=dialect))
        return text

    def _in(self, size: int) -> ColumnElement[bool]:
        keys: list[Any] = [bindparam(f"key_{i}") for i in range(size)]
        return self._key.in_(keys)

    def _any(self, _: int) -> ColumnElement[bool]:
        return self._key == any_(bindparam("keys", type_=ARRAY(self._key.type)))


def rows_of(table: Table, columns: Sequence[str], key: str = "id") -> Lookup:
    """`SELECT columns FROM table WHERE key IN (...)`."""
    return Lookup(select(*(table.c[name] for name in columns)), table.c[key])


class Write:
    """One INSERT, UPDATE or DELETE for many rows; a row is a tuple in the order of `columns`."""

    def __init__(self, statement: UpdateBase, columns: Sequence[str]) -> None:
        self._statement = statement
        self.columns = tuple(columns)
        #: By dialect.
        self._sql: dict[str, str] = {}
        #: What PostgreSQL does many rows with, where it has something better; a text for its driver.
        self._many: str | None = None

    def run(self, cursor: Any, dialect: Dialect, rows: Sequence[Row]) -> None:
        if dialect.name == POSTGRESQL and len(rows) >= MANY and self._run_many(cursor, dialect, rows):
            return
        text = self._sql.get(dialect.name)
        if text is None:
            compiled = self._statement.compile(dialect=dialect)
            if tuple(compiled.positiontup or ()) != self.columns:
                raise AssertionError(f"{compiled} takes {compiled.positiontup}, not {self.columns}")
            text = self._sql[dialect.name] = str(compiled)
        cursor.executemany(text, rows)

    def _run_many(self, cursor: Any, dialect: Dialect, rows: Sequence[Row]) -> bool:
        """Whether there was a way of its own for many rows."""
        return False


class Insert(Write):
    """Rows of one table."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        # Core puts columns in the table's order.
        ordered = [column.name for column in table.c if column.name in columns]
        super().__init__(table.insert().values({name: bindparam(name) for name in ordered}), ordered)
        self._table = table

    def _run_many(self, cursor: Any, dialect: Dialect, rows: Sequence[Row]) -> bool:
        if self._many is None:
            self._many = f"COPY {self._table.name} ({', '.join(self.columns)}) FROM STDIN"
        with cursor.copy(self._many) as copy:
            for row in rows:
                copy.write_row(row)
        return True


class Update(Write):
    """Columns of rows of one table; each row ends with the id."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        ordered = [column.name for column in table.c if column.name in columns]
        values: dict[str, Any] = {name: bindparam(name) for name in ordered}
        super().__init__(table.update().where(table.c.id == bindparam("key")).values(values), (*ordered, "key"))
        self._table = table

    def _run_many(self, cursor: Any, dialect: Dialect, rows: Sequence[Row]) -> bool:
        if self._many is None:
            names = self.columns[:-1]
            types = [self._table.c[name].type.compile(dialect) for name in (*names, "id")]
            lists = ", ".join(f"%s::{type_}[]" for type_ in types)
            self._many = (
                f"UPDATE {self._table.name} SET {', '.join(f'{name} = new.{name}' for name in names)} "
                f"FROM unnest({lists}) AS new({', '.join((*names, 'id'))}) WHERE {self._table.name}.id = new.id"
            )
        cursor.execute(self._many, [list(column) for column in zip(*rows, strict=True)])
        return True

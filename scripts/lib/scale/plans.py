"""How a database means to answer what a server asks of it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

#: Rows of a table from which on a look at all of it is worth a word.
MANY = 50_000
_ASKS = ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")


class Listener:
    """Keeps one example of each statement that any engine of this process is asked, with its parameters."""

    def __init__(self) -> None:
        self.heard: dict[str, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        def hear(_: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
            if statement.lstrip().upper().startswith(_ASKS):
                short = re.sub(r"(%s|\?|%\(\w+\)s(::\w+)?)(, ?(%s|\?|%\(\w+\)s(::\w+)?))+", "...", statement)
                self.heard.setdefault(short, (statement, parameters[0] if many and parameters else parameters))

        event.listen(Engine, "before_cursor_execute", hear)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", hear)

    def looks_at_all(self, engine: Engine, large: Sequence[str]) -> list[tuple[str, str]]:
        """The statements that look at every row of a large table, and the line of the plan that says so."""
        found = []
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            for short, (statement, parameters) in self.heard.items():
                for line in _plan(driver, engine.dialect.name, statement, parameters):
                    if any(_scans(line, name) for name in large):
                        found.append((short, line.strip()))
            connection.rollback()
        return found


def _plan(driver: Any, dialect: str, statement: str, parameters: Any) -> list[str]:
    if dialect == "sqlite":
        return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters or ())]
    rows = driver.execute(f"EXPLAIN {statement}", parameters or None).fetchall()
    return [row[0] for row in rows]


def _scans(line: str, table: str) -> bool:
    """PostgreSQL's word for it, and SQLite's, which for a walk along an index names that."""
    return bool(re.search(rf"Seq Scan on {table}\b", line) or re.fullmatch(rf"\s*SCAN {table}( AS \w+)?\s*", line))

"""How a database means to answer what a server asks of it."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

#: Rows of a table from which on a look at all of it is worth a word.
MANY = 50_000
#: Several in a row, of which there are as many as there were things asked for at once.
_PARAMETERS = re.compile(r"(%s|\?|%\(\w+\)s(::\w+)?)(, ?(%s|\?|%\(\w+\)s(::\w+)?))+")
_ASKS = ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")


class Listener:
    """Keeps one example of each statement that any engine of this process is asked: the one that took longest, with its
    parameters."""

    def __init__(self) -> None:
        self.heard: dict[str, tuple[float, str, Any]] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        def begin(_: Any, __: Any, ___: Any, ____: Any, context: Any, _____: bool) -> None:
            context.scale_began = time.perf_counter()

        def end(_: Any, __: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            took = time.perf_counter() - context.scale_began
            short = _PARAMETERS.sub("...", statement)
            known = self.heard.get(short)
            if statement.lstrip().upper().startswith(_ASKS) and (known is None or known[0] < took):
                self.heard[short] = took, statement, parameters[0] if many and parameters else parameters

        event.listen(Engine, "before_cursor_execute", begin)
        event.listen(Engine, "after_cursor_execute", end)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", begin)
            event.remove(Engine, "after_cursor_execute", end)

    def looks_at_all(self, engine: Engine, large: Sequence[str]) -> list[tuple[str, str]]:
        """The statements that look at every row of a large table, and the line of the plan that says so."""
        found = []
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            for short, (_, statement, parameters) in self.heard.items():
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

"""How many bytes tables and indexes take."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, text

from scale.multiplying import GROWING

_POSTGRESQL = """
SELECT t.relname, coalesce(i.relname, ''), pg_relation_size(coalesce(i.oid, t.oid))
    + CASE WHEN i.oid IS NULL AND t.reltoastrelid <> 0 THEN pg_total_relation_size(t.reltoastrelid) ELSE 0 END
FROM pg_class t LEFT JOIN (SELECT indrelid, indexrelid FROM pg_index UNION ALL SELECT oid, NULL FROM pg_class) x
    ON x.indrelid = t.oid LEFT JOIN pg_class i ON i.oid = x.indexrelid WHERE t.relkind = 'r'
"""
_SQLITE = """
SELECT m.tbl_name, CASE WHEN m.type = 'index' AND m.name NOT LIKE 'sqlite_autoindex%' THEN m.name ELSE '' END,
    sum(s.pgsize)
FROM dbstat s JOIN sqlite_schema m ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY 1, 2
"""


def sizes_of(engine: Engine) -> Mapping[tuple[str, str], int]:
    """Bytes by table and index; the index is empty for the table itself."""
    names = {table.name for table in GROWING}
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        rows = connection.execute(text(_SQLITE if sqlite else _POSTGRESQL)).all()
    return {(table, index): int(size) for table, index, size in rows if table in names}


def whole_size(engine: Engine) -> int:
    with engine.connect() as connection:
        return _whole(connection)


def _whole(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        pages: Any = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def writes_of(engine: Engine) -> Mapping[str, tuple[int, int, int]]:
    """On PostgreSQL: rows that were inserted into each table, updated, and updated without a word to its indexes."""
    if engine.dialect.name == "sqlite":
        return {}
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        rows = connection.execute(text("SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"))
        return {name: (inserted, updated, hot) for name, inserted, updated, hot in rows if inserted or updated}

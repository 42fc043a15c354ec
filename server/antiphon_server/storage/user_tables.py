"""The tables of what users keep on the server besides runs: artifacts and variables. Conventions as in `tables`."""

from sqlalchemy import Column, Index, Integer, Table, Text, text

from antiphon_server.storage.tables import Id, Micros, metadata

__all__ = ["artifacts", "variables"]

_WITH_KEY = text("key IS NOT NULL")

# With rowids, since rows may be large: they lie beside the index of ids and not in it.
artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Id, primary_key=True),
    # NULL for one that stands alone.
    Column("key", Text),
    # The key again, in the row that was created last with it; NULL in all others.
    Column("latest_key", Text),
    Column("type", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("data", Text, nullable=False),
    # A JSON object of texts.
    Column("metadata", Text, nullable=False),
    # Of what made it. The runs may be gone.
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
    Index(None, "key", "create_time", "id", sqlite_where=_WITH_KEY),
    Index(None, "key", "update_time", "id", sqlite_where=_WITH_KEY),
    Index(None, "latest_key", unique=True, sqlite_where=text("latest_key IS NOT NULL")),
    Index(None, "flow_run_id", "create_time", "id", sqlite_where=text("flow_run_id IS NOT NULL")),
    Index(None, "task_run_id", "create_time", "id", sqlite_where=text("task_run_id IS NOT NULL")),
)

variables = Table(
    "variables",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # JSON, as it was written.
    Column("value", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

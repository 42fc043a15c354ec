"""The metadata with every table in it, for whoever makes or compares them all: each module of tables adds its own."""

from antiphon_server.storage import block_tables, deployment_tables, user_tables
from antiphon_server.storage.tables import metadata

__all__ = ["block_tables", "deployment_tables", "metadata", "user_tables"]

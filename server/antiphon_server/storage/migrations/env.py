"""Alembic's entry: migrates over the connection that `upgrade` hands in."""

from alembic import context

from antiphon_server.storage.all_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table in place; Alembic then builds it anew.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Several servers on one database: who they are, and what each tells the others."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_TIED = ("slot_leases", "sessions")


def upgrade() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("seen_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("server_id", sa.String(36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
        sqlite_with_rowid=False,
    )
    for table in _TIED:
        op.add_column(table, sa.Column("server_id", sa.String(36)))


def downgrade() -> None:
    for table in _TIED:
        op.drop_column(table, "server_id")
    op.drop_table("changes")
    op.drop_table("servers")

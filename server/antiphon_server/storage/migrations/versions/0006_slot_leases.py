"""Slots that programs take by name, and slots that decay one after the other."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "slot_leases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("strict", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_leases")),
        sqlite_with_rowid=False,
    )
    for column in ("session_id", "request_id", "expire_time"):
        op.create_index(
            op.f(f"ix_slot_leases_{column}"),
            "slot_leases",
            [column],
            unique=column == "request_id",
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
        )
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.add_column(sa.Column("decay_interval", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("slot_waiters", schema=None) as batch_op:
        batch_op.add_column(sa.Column("count", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    # Leases mean nothing to the release before: nobody would ever end them.
    op.execute("DELETE FROM slots WHERE holder_id IN (SELECT id FROM slot_leases)")
    op.execute("DELETE FROM slot_waiters WHERE run_kind = 'lease'")
    with op.batch_alter_table("slot_waiters", schema=None) as batch_op:
        batch_op.drop_column("count")
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.drop_column("decay_interval")
    for column in ("session_id", "request_id", "expire_time"):
        op.drop_index(op.f(f"ix_slot_leases_{column}"), table_name="slot_leases")
    op.drop_table("slot_leases")

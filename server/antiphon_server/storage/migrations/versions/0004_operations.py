"""Long-running operations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("verb", sa.SmallInteger(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_state", sa.LargeBinary(), nullable=True),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("cursor_time", sa.BigInteger(), nullable=True),
        sa.Column("cursor_id", sa.String(length=36), nullable=True),
        sa.Column("total_count", sa.Integer(), nullable=False),
        sa.Column("succeeded_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("skipped_count", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_operations_create_time_id"), "operations", ["create_time", "id"], unique=False)
    op.create_index(op.f("ix_operations_state_end_time"), "operations", ["state", "end_time"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_operations_state_end_time"), table_name="operations")
    op.drop_index(op.f("ix_operations_create_time_id"), table_name="operations")
    op.drop_table("operations")

"""Artifacts and variables."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

#: Columns -> the one that must be set.
_ARTIFACT_INDEXES = {
    ("key", "create_time", "id"): "key",
    ("key", "update_time", "id"): "key",
    ("latest_key",): "latest_key",
    ("flow_run_id", "create_time", "id"): "flow_run_id",
    ("task_run_id", "create_time", "id"): "task_run_id",
}


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("latest_key", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("task_run_id", sa.String(length=36), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
    )
    op.create_index(op.f("ix_artifacts_create_time_id"), "artifacts", ["create_time", "id"], unique=False)
    for columns, needed in _ARTIFACT_INDEXES.items():
        op.create_index(
            op.f(f"ix_artifacts_{'_'.join(columns)}"),
            "artifacts",
            list(columns),
            unique=columns == ("latest_key",),
            sqlite_where=sa.text(f"{needed} IS NOT NULL"),
        )
    op.create_table(
        "variables",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variables")),
        sa.UniqueConstraint("name", name=op.f("uq_variables_name")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_variables_create_time_id"), "variables", ["create_time", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_variables_create_time_id"), table_name="variables")
    op.drop_table("variables")
    op.drop_index(op.f("ix_artifacts_create_time_id"), table_name="artifacts")
    for columns in _ARTIFACT_INDEXES:
        op.drop_index(op.f(f"ix_artifacts_{'_'.join(columns)}"), table_name="artifacts")
    op.drop_table("artifacts")

"""Task runs that wait for a worker, and what they are called with."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_QUEUED = sa.text("queue_time IS NOT NULL")


def upgrade() -> None:
    op.add_column("task_runs", sa.Column("parameters", sa.LargeBinary(), nullable=True))
    op.add_column("task_runs", sa.Column("queue_time", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_task_runs_task_key_priority_queue_time_id"),
        "task_runs",
        ["task_key", "priority", "queue_time", "id"],
        sqlite_where=_QUEUED,
    )
    op.create_index(
        op.f("ix_task_runs_task_key_queue_time"), "task_runs", ["task_key", "queue_time"], sqlite_where=_QUEUED
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_task_runs_task_key_queue_time"), table_name="task_runs")
    op.drop_index(op.f("ix_task_runs_task_key_priority_queue_time_id"), table_name="task_runs")
    with op.batch_alter_table("task_runs", schema=None) as batch_op:
        batch_op.drop_column("queue_time")
        batch_op.drop_column("parameters")

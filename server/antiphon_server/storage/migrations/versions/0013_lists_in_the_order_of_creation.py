"""Lists of task runs, and of the flow runs of a deployment or a work queue, in the order of their creation."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_KEYS = ("deployment_id", "work_queue_id")


def upgrade() -> None:
    op.create_index(op.f("ix_task_runs_create_time_id"), "task_runs", ["create_time", "id"])
    for key in _KEYS:
        op.drop_index(op.f(f"ix_flow_runs_{key}"), table_name="flow_runs")
        op.create_index(
            op.f(f"ix_flow_runs_{key}_create_time_id"),
            "flow_runs",
            [key, "create_time", "id"],
            sqlite_where=sa.text(f"{key} IS NOT NULL"),
        )


def downgrade() -> None:
    for key in _KEYS:
        op.drop_index(op.f(f"ix_flow_runs_{key}_create_time_id"), table_name="flow_runs")
        op.create_index(op.f(f"ix_flow_runs_{key}"), "flow_runs", [key], sqlite_where=sa.text(f"{key} IS NOT NULL"))
    op.drop_index(op.f("ix_task_runs_create_time_id"), table_name="task_runs")

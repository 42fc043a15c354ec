"""Runs know the trace that they are part of."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_RUNS = ("flow_runs", "task_runs")


def upgrade() -> None:
    for table in _RUNS:
        op.add_column(table, sa.Column("traceparent", sa.Text()))


def downgrade() -> None:
    for table in _RUNS:
        op.drop_column(table, "traceparent")

"""Workers, the runs that wait for them, and leases of services."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_QUEUED = sa.text("queue_time IS NOT NULL")
_INDEX = "ix_flow_runs_queue_key_worker_affinity_priority_queue_time_id"


def upgrade() -> None:
    op.add_column("flow_runs", sa.Column("queue_key", sa.String(36), nullable=True))
    op.add_column("flow_runs", sa.Column("queue_time", sa.BigInteger(), nullable=True))
    op.add_column("flow_runs", sa.Column("worker_affinity", sa.Text(), server_default="", nullable=False))
    runs = sa.table(
        "flow_runs",
        *map(sa.column, ("queue_key", "queue_time", "work_queue_id", "deployment_id", "session_id")),
        *map(sa.column, ("state_type", "state_name", "next_scheduled_start_time")),
    )
    op.execute(runs.update().values(queue_key=sa.func.coalesce(runs.c.work_queue_id, runs.c.deployment_id)))
    waiting = (
        (runs.c.state_type == 1)
        & (runs.c.state_name != "AwaitingConcurrencySlot")
        & runs.c.deployment_id.is_not(None)
        & runs.c.session_id.is_(None)
    )
    op.execute(runs.update().where(waiting).values(queue_time=runs.c.next_scheduled_start_time))
    op.create_index(
        op.f(_INDEX),
        "flow_runs",
        ["queue_key", "worker_affinity", "priority", "queue_time", "id"],
        sqlite_where=_QUEUED,
    )
    op.add_column("deployment_versions", sa.Column("worker_affinity", sa.Text(), server_default="", nullable=False))
    op.add_column("work_pools", sa.Column("description", sa.Text(), server_default="", nullable=False))
    op.add_column("work_pools", sa.Column("base_job_template", sa.Text(), server_default="", nullable=False))
    op.add_column("work_queues", sa.Column("description", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "workers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("work_pool_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue_names", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "service_leases",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_service_leases")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_workers_work_pool_id_name"), "workers", ["work_pool_id", "name"], unique=True)
    op.create_index(op.f("ix_workers_create_time_id"), "workers", ["create_time", "id"])


def downgrade() -> None:
    op.drop_table("service_leases")
    op.drop_table("workers")
    for table in ("work_queues", "work_pools"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("description")
    with op.batch_alter_table("work_pools") as batch_op:
        batch_op.drop_column("base_job_template")
    with op.batch_alter_table("deployment_versions") as batch_op:
        batch_op.drop_column("worker_affinity")
    op.drop_index(op.f(_INDEX), table_name="flow_runs")
    with op.batch_alter_table("flow_runs") as batch_op:
        for column in ("worker_affinity", "queue_time", "queue_key"):
            batch_op.drop_column(column)

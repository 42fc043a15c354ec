"""What the whole policy asks for: limits and slots, deployments and work pools, pauses, claims, cached results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cache_entries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cache_entries")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("cache_entries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_cache_entries_cache_key_create_time"), ["cache_key", "create_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_cache_entries_expire_time"),
            ["expire_time"],
            unique=False,
            sqlite_where=sa.text("expire_time IS NOT NULL"),
        )

    op.create_table(
        "concurrency_limits",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("slot_decay_per_second", sa.Float(), nullable=False),
        sa.Column("average_occupancy", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrency_limits")),
        sa.UniqueConstraint("name", name=op.f("uq_concurrency_limits_name")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("collision_strategy", sa.SmallInteger(), nullable=False),
        sa.Column("grace_period", sa.BigInteger(), nullable=True),
        sa.Column("work_queue_id", sa.String(length=36), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployments_create_time_id"), ["create_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployments_flow_id_name"), ["flow_id", "name"], unique=True)

    op.create_table(
        "flow_run_inputs",
        sa.Column("flow_run_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_run_id", "key", name=op.f("pk_flow_run_inputs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slot_waiters",
        sa.Column("limit_id", sa.String(length=36), nullable=False),
        sa.Column("waiter_id", sa.String(length=36), nullable=False),
        sa.Column("run_kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("limit_id", "waiter_id", name=op.f("pk_slot_waiters")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("slot_waiters", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_slot_waiters_limit_id_rank_position_waiter_id"),
            ["limit_id", "rank", "position", "waiter_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_slot_waiters_position"), ["position"], unique=False)
        batch_op.create_index(batch_op.f("ix_slot_waiters_waiter_id"), ["waiter_id"], unique=False)

    op.create_table(
        "slots",
        sa.Column("limit_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("acquire_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("limit_id", "holder_id", name=op.f("pk_slots")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_slots_expire_time"),
            ["expire_time"],
            unique=False,
            sqlite_where=sa.text("expire_time IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_slots_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "work_pools",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_pools")),
        sa.UniqueConstraint("name", name=op.f("uq_work_pools_name")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("work_pools", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_pools_create_time_id"), ["create_time", "id"], unique=False)

    op.create_table(
        "work_queues",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("work_pool_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_queues")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("work_queues", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_queues_create_time_id"), ["create_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_work_queues_work_pool_id_name"), ["work_pool_id", "name"], unique=True)

    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.add_column(sa.Column("update_time", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("infrastructure_pid", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_commands_create_time"), ["create_time"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_commands_flow_run_id_create_time"), ["flow_run_id", "create_time"], unique=False
        )

    with op.batch_alter_table("flow_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_details", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("fencing_token", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("deadline_time", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("holds_slots", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("deployment_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("work_queue_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("infrastructure_pid", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("launcher_session_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("auto_scheduled", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("resuming", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("retry_type", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("pause_keys", sa.Text(), server_default="[]", nullable=False))
        batch_op.create_index(
            batch_op.f("ix_flow_runs_deadline_time"),
            ["deadline_time"],
            unique=False,
            sqlite_where=sa.text("deadline_time IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_deployment_id"),
            ["deployment_id"],
            unique=False,
            sqlite_where=sa.text("deployment_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_next_scheduled_start_time"),
            ["next_scheduled_start_time"],
            unique=False,
            sqlite_where=sa.text("next_scheduled_start_time IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_work_queue_id"),
            ["work_queue_id"],
            unique=False,
            sqlite_where=sa.text("work_queue_id IS NOT NULL"),
        )

    with op.batch_alter_table("task_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_details", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("fencing_token", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("deadline_time", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("holds_slots", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index(
            batch_op.f("ix_task_runs_deadline_time"),
            ["deadline_time"],
            unique=False,
            sqlite_where=sa.text("deadline_time IS NOT NULL"),
        )

    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fencing_token", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.alter_column("until_time", existing_type=sa.BIGINT(), nullable=True)


def downgrade() -> None:
    # The release before knows no waits without an end: it decides them anew at once.
    op.execute("UPDATE waits SET until_time = 0 WHERE until_time IS NULL")
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.alter_column("until_time", existing_type=sa.BIGINT(), nullable=False)

    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_column("fencing_token")

    with op.batch_alter_table("task_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_runs_deadline_time"), sqlite_where=sa.text("deadline_time IS NOT NULL"))
        batch_op.drop_column("priority")
        batch_op.drop_column("holds_slots")
        batch_op.drop_column("deadline_time")
        batch_op.drop_column("fencing_token")
        batch_op.drop_column("state_details")

    with op.batch_alter_table("flow_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flow_runs_work_queue_id"), sqlite_where=sa.text("work_queue_id IS NOT NULL"))
        batch_op.drop_index(
            batch_op.f("ix_flow_runs_next_scheduled_start_time"),
            sqlite_where=sa.text("next_scheduled_start_time IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_flow_runs_deployment_id"), sqlite_where=sa.text("deployment_id IS NOT NULL"))
        batch_op.drop_index(batch_op.f("ix_flow_runs_deadline_time"), sqlite_where=sa.text("deadline_time IS NOT NULL"))
        batch_op.drop_column("pause_keys")
        batch_op.drop_column("retry_type")
        batch_op.drop_column("resuming")
        batch_op.drop_column("auto_scheduled")
        batch_op.drop_column("launcher_session_id")
        batch_op.drop_column("infrastructure_pid")
        batch_op.drop_column("work_queue_id")
        batch_op.drop_column("deployment_id")
        batch_op.drop_column("priority")
        batch_op.drop_column("holds_slots")
        batch_op.drop_column("deadline_time")
        batch_op.drop_column("fencing_token")
        batch_op.drop_column("state_details")

    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_flow_run_id_create_time"))
        batch_op.drop_index(batch_op.f("ix_commands_create_time"))
        batch_op.drop_column("infrastructure_pid")
        batch_op.drop_column("update_time")

    with op.batch_alter_table("work_queues", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_queues_work_pool_id_name"))
        batch_op.drop_index(batch_op.f("ix_work_queues_create_time_id"))

    op.drop_table("work_queues")
    with op.batch_alter_table("work_pools", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_work_pools_create_time_id"))

    op.drop_table("work_pools")
    with op.batch_alter_table("slots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slots_holder_id"))
        batch_op.drop_index(batch_op.f("ix_slots_expire_time"), sqlite_where=sa.text("expire_time IS NOT NULL"))

    op.drop_table("slots")
    with op.batch_alter_table("slot_waiters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slot_waiters_waiter_id"))
        batch_op.drop_index(batch_op.f("ix_slot_waiters_position"))
        batch_op.drop_index(batch_op.f("ix_slot_waiters_limit_id_rank_position_waiter_id"))

    op.drop_table("slot_waiters")
    op.drop_table("flow_run_inputs")
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deployments_flow_id_name"))
        batch_op.drop_index(batch_op.f("ix_deployments_create_time_id"))

    op.drop_table("deployments")
    op.drop_table("concurrency_limits")
    with op.batch_alter_table("cache_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cache_entries_expire_time"), sqlite_where=sa.text("expire_time IS NOT NULL"))
        batch_op.drop_index(batch_op.f("ix_cache_entries_cache_key_create_time"))

    op.drop_table("cache_entries")

"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("task_run_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_commands_session_id"), ["session_id"], unique=False)

    op.create_table(
        "flow_runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("retry_policy", sa.Text(), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("state_id", sa.String(length=36), nullable=True),
        sa.Column("state_type", sa.SmallInteger(), nullable=True),
        sa.Column("state_name", sa.Text(), nullable=True),
        sa.Column("state_time", sa.BigInteger(), nullable=True),
        sa.Column("state_scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("state_has_data", sa.Boolean(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("expected_start_time", sa.BigInteger(), nullable=True),
        sa.Column("next_scheduled_start_time", sa.BigInteger(), nullable=True),
        sa.Column("total_run_time", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("create_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("flow_version", sa.Text(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("parent_task_run_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_runs")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("flow_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flow_runs_create_time_id"), ["create_time", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_flow_runs_flow_id_create_time_id"), ["flow_id", "create_time", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_flow_id_idempotency_key"),
            ["flow_id", "idempotency_key"],
            unique=True,
            sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_parent_task_run_id"),
            ["parent_task_run_id"],
            unique=False,
            sqlite_where=sa.text("parent_task_run_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_session_id"),
            ["session_id"],
            unique=False,
            sqlite_where=sa.text("session_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_flow_runs_state_type_create_time_id"), ["state_type", "create_time", "id"], unique=False
        )

    op.create_table(
        "flows",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flows")),
        sa.UniqueConstraint("name", name=op.f("uq_flows_name")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flows_create_time_id"), ["create_time", "id"], unique=False)

    op.create_table(
        "logs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("task_run_id", sa.String(length=36), nullable=True),
        sa.Column("logger", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logs")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("logs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logs_create_time_id"), ["create_time", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_logs_flow_run_id_create_time_id"), ["flow_run_id", "create_time", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_logs_task_run_id_create_time_id"), ["task_run_id", "create_time", "id"], unique=False
        )

    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_create_time_id"), ["create_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_status_expire_time"), ["status", "expire_time"], unique=False)

    op.create_table(
        "task_runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("retry_policy", sa.Text(), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("state_id", sa.String(length=36), nullable=True),
        sa.Column("state_type", sa.SmallInteger(), nullable=True),
        sa.Column("state_name", sa.Text(), nullable=True),
        sa.Column("state_time", sa.BigInteger(), nullable=True),
        sa.Column("state_scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("state_has_data", sa.Boolean(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("expected_start_time", sa.BigInteger(), nullable=True),
        sa.Column("next_scheduled_start_time", sa.BigInteger(), nullable=True),
        sa.Column("total_run_time", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("create_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("dynamic_key", sa.Text(), nullable=False),
        sa.Column("task_version", sa.Text(), nullable=False),
        sa.Column("upstream_task_run_ids", sa.Text(), nullable=False),
        sa.Column("flow_run_run_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_runs")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("task_runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_runs_flow_run_id_create_time_id"), ["flow_run_id", "create_time", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_runs_session_id"),
            ["session_id"],
            unique=False,
            sqlite_where=sa.text("session_id IS NOT NULL"),
        )

    op.create_table(
        "transitions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("held_state_id", sa.String(length=36), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("wrote_state", sa.Boolean(), nullable=False),
        sa.Column("state_type", sa.SmallInteger(), nullable=True),
        sa.Column("state_name", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("details", sa.LargeBinary(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transitions_run_id_create_time"), ["run_id", "create_time"], unique=False)

    op.create_table(
        "waits",
        sa.Column("transition_id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("until_time", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("transition_id", name=op.f("pk_waits")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waits_session_id"), ["session_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("waits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waits_session_id"))

    op.drop_table("waits")
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transitions_run_id_create_time"))

    op.drop_table("transitions")
    with op.batch_alter_table("task_runs", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_task_runs_session_id"),
            sqlite_where=sa.text("session_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_task_runs_flow_run_id_create_time_id"))

    op.drop_table("task_runs")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_status_expire_time"))
        batch_op.drop_index(batch_op.f("ix_sessions_create_time_id"))

    op.drop_table("sessions")
    op.drop_table("requests")
    op.drop_table("meta")
    with op.batch_alter_table("logs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_logs_task_run_id_create_time_id"))
        batch_op.drop_index(batch_op.f("ix_logs_flow_run_id_create_time_id"))
        batch_op.drop_index(batch_op.f("ix_logs_create_time_id"))

    op.drop_table("logs")
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flows_create_time_id"))

    op.drop_table("flows")
    with op.batch_alter_table("flow_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flow_runs_state_type_create_time_id"))
        batch_op.drop_index(
            batch_op.f("ix_flow_runs_session_id"),
            sqlite_where=sa.text("session_id IS NOT NULL"),
        )
        batch_op.drop_index(
            batch_op.f("ix_flow_runs_parent_task_run_id"),
            sqlite_where=sa.text("parent_task_run_id IS NOT NULL"),
        )
        batch_op.drop_index(
            batch_op.f("ix_flow_runs_flow_id_idempotency_key"),
            sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_flow_runs_flow_id_create_time_id"))
        batch_op.drop_index(batch_op.f("ix_flow_runs_create_time_id"))

    op.drop_table("flow_runs")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_session_id"))

    op.drop_table("commands")

"""What deployments run, kept by versions, and when: schedules, calendars and backfills."""

import sqlalchemy as sa
from alembic import op
from uuid_utils import uuid7

revision = "0011"
down_revision = "0010"

_MADE_BY_SCHEDULE = sa.text("schedule_id IS NOT NULL")
_MADE_BY_OPERATION = sa.text("operation_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("flow_runs", sa.Column("schedule_id", sa.String(36), nullable=True))
    op.add_column("flow_runs", sa.Column("operation_id", sa.String(36), nullable=True))
    op.add_column("flow_runs", sa.Column("deployment_version", sa.Integer(), nullable=True))
    op.add_column("flow_runs", sa.Column("job_variables", sa.Text(), nullable=True))
    op.create_index(
        op.f("ix_flow_runs_schedule_id_next_scheduled_start_time"),
        "flow_runs",
        ["schedule_id", "next_scheduled_start_time"],
        sqlite_where=_MADE_BY_SCHEDULE,
    )
    op.create_index(
        op.f("ix_flow_runs_operation_id_state_type"),
        "flow_runs",
        ["operation_id", "state_type"],
        sqlite_where=_MADE_BY_OPERATION,
    )
    op.add_column("operations", sa.Column("backfill", sa.LargeBinary(), nullable=True))
    op.add_column("deployments", sa.Column("version_number", sa.Integer(), server_default="1", nullable=False))
    versions = op.create_table(
        "deployment_versions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("deployment_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("version_name", sa.Text(), nullable=False),
        sa.Column("entrypoint", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("pull_steps", sa.Text(), nullable=False),
        sa.Column("parameter_schema", sa.Text(), nullable=False),
        sa.Column("job_variables", sa.Text(), nullable=False),
        sa.Column("enforce_parameter_schema", sa.Boolean(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_versions")),
    )
    op.create_index(
        op.f("ix_deployment_versions_deployment_id_number"),
        "deployment_versions",
        ["deployment_id", "number"],
        unique=True,
    )
    op.create_index(
        op.f("ix_deployment_versions_deployment_id_create_time_id"),
        "deployment_versions",
        ["deployment_id", "create_time", "id"],
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("deployment_id", sa.String(36), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("rule_kind", sa.SmallInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day_and", sa.Boolean(), nullable=False),
        sa.Column("interval", sa.BigInteger(), nullable=True),
        sa.Column("anchor_time", sa.BigInteger(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=True),
        sa.Column("max_scheduled_runs", sa.Integer(), nullable=False),
        sa.Column("jitter", sa.BigInteger(), nullable=False),
        sa.Column("catch_up", sa.SmallInteger(), nullable=False),
        sa.Column("overlap", sa.SmallInteger(), nullable=False),
        sa.Column("excluded_calendars", sa.Text(), nullable=False),
        sa.Column("planned_time", sa.BigInteger(), nullable=False),
        sa.Column("plan_time", sa.BigInteger(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    op.create_index(
        op.f("ix_schedules_deployment_id_create_time_id"), "schedules", ["deployment_id", "create_time", "id"]
    )
    op.create_index(
        op.f("ix_schedules_deployment_id_slug"),
        "schedules",
        ["deployment_id", "slug"],
        unique=True,
        sqlite_where=sa.text("slug != ''"),
    )
    op.create_index(
        op.f("ix_schedules_plan_time"), "schedules", ["plan_time"], sqlite_where=sa.text("plan_time IS NOT NULL")
    )
    op.create_index(op.f("ix_schedules_create_time_id"), "schedules", ["create_time", "id"])
    op.create_table(
        "calendars",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("name", name=op.f("uq_calendars_name")),
    )
    op.create_index(op.f("ix_calendars_create_time_id"), "calendars", ["create_time", "id"])
    _add_first_versions(versions)


def _add_first_versions(versions: sa.Table) -> None:
    deployments = sa.table("deployments", sa.column("id"), sa.column("tags"), sa.column("create_time"))
    empty = dict.fromkeys(
        ("description", "version_name", "entrypoint", "path", "pull_steps", "parameter_schema", "job_variables"), ""
    )
    rows = [
        {
            **empty,
            "id": str(uuid7()),
            "deployment_id": row.id,
            "number": 1,
            "enforce_parameter_schema": False,
            "parameters": None,
            "tags": row.tags,
            "labels": "{}",
            "create_time": row.create_time,
        }
        for row in op.get_bind().execute(sa.select(deployments))
    ]
    if rows:
        op.bulk_insert(versions, rows)


def downgrade() -> None:
    op.drop_table("calendars")
    op.drop_table("schedules")
    op.drop_table("deployment_versions")
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.drop_column("version_number")
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.drop_column("backfill")
    op.drop_index(op.f("ix_flow_runs_operation_id_state_type"), table_name="flow_runs")
    op.drop_index(op.f("ix_flow_runs_schedule_id_next_scheduled_start_time"), table_name="flow_runs")
    with op.batch_alter_table("flow_runs", schema=None) as batch_op:
        batch_op.drop_column("job_variables")
        batch_op.drop_column("deployment_version")
        batch_op.drop_column("operation_id")
        batch_op.drop_column("schedule_id")

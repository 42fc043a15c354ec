"""The tables of what deployments run, and when. Conventions as in `tables`."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, text

from antiphon_server.storage.enumerations import Enumerated
from antiphon_server.storage.tables import Id, Micros, deployments, flows, metadata

__all__ = ["CONTENT", "HELD", "WITH_CONTENT", "calendars", "deployment_versions", "schedules"]

# What a deployment runs: a row for each time that this was changed. With rowids, since rows may be large.
deployment_versions = Table(
    "deployment_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("deployment_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("description", Text, nullable=False),
    # The author's word.
    Column("version_name", Text, nullable=False),
    Column("entrypoint", Text, nullable=False),
    Column("path", Text, nullable=False),
    # JSON, as it was written; empty for none.
    Column("pull_steps", Text, nullable=False),
    Column("parameter_schema", Text, nullable=False),
    Column("job_variables", Text, nullable=False),
    Column("enforce_parameter_schema", Boolean, nullable=False),
    # A serialized antiphon.v1.Payload.
    Column("parameters", LargeBinary),
    # JSON: a list of texts, as in the deployment, and an object of texts.
    Column("tags", Text, nullable=False),
    Column("labels", Text, nullable=False),
    # JSON, see antiphon.v1.WorkerAffinity; empty for any worker.
    Column("worker_affinity", Text, nullable=False, server_default=""),
    Column("create_time", Micros, nullable=False),
    Index(None, "deployment_id", "number", unique=True),
    Index(None, "deployment_id", "create_time", "id"),
)

#: The version of a deployment that holds, a deployment beside its flow and that version, and what only this has.
HELD = (deployment_versions.c.deployment_id == deployments.c.id) & (
    deployment_versions.c.number == deployments.c.version_number
)
WITH_CONTENT = deployments.join(flows, flows.c.id == deployments.c.flow_id).join(deployment_versions, HELD)
CONTENT = [
    column for column in deployment_versions.c if column.name not in (*deployments.c.keys(), "deployment_id", "number")
]

schedules = Table(
    "schedules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("deployment_id", Id, nullable=False),
    Column("slug", Text, nullable=False),
    Column("rule_kind", Enumerated, nullable=False),
    # A cron expression, or a recurrence rule; empty for an interval.
    Column("rule", Text, nullable=False),
    Column("day_and", Boolean, nullable=False),
    Column("interval", Micros),
    Column("anchor_time", Micros),
    Column("time_zone", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    # A serialized antiphon.v1.Payload.
    Column("parameters", LargeBinary),
    Column("max_scheduled_runs", Integer, nullable=False),
    Column("jitter", Micros, nullable=False),
    Column("catch_up", Enumerated, nullable=False),
    Column("overlap", Enumerated, nullable=False),
    # A JSON list of names.
    Column("excluded_calendars", Text, nullable=False),
    # Every time up to and with this one has its run, or was passed over. planning.AFRESH: nothing holds of what was
    # planned ahead.
    Column("planned_time", Micros, nullable=False),
    # When to plan more; NULL where nothing is to be planned.
    Column("plan_time", Micros),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "deployment_id", "create_time", "id"),
    Index(None, "deployment_id", "slug", unique=True, sqlite_where=text("slug != ''")),
    Index(None, "plan_time", sqlite_where=text("plan_time IS NOT NULL")),
    Index(None, "create_time", "id"),
)

# Days on which schedules that name them do not fire.
calendars = Table(
    "calendars",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    # JSON: days as texts, and days of the week as numbers.
    Column("days", Text, nullable=False),
    Column("weekdays", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
)

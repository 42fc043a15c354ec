"""Schedules of deployments."""

from datetime import timedelta
from uuid import UUID

from antiphon.client.conversions.values import optional_time, optional_uuid, read_json_object
from antiphon.client.schemas.actions import DeploymentScheduleCreate
from antiphon.client.schemas.objects import DeploymentSchedule
from antiphon.client.schemas.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule, RRuleSchedule
from antiphon.json_payloads import json_payload
from antiphon.schedule_rules import rule_fields
from antiphon.v1 import schedule_pb2

__all__ = ["schedule_from", "schedule_proto"]


def schedule_from(proto: schedule_pb2.Schedule) -> DeploymentSchedule:
    """Return a schedule."""
    return DeploymentSchedule(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        deployment_id=optional_uuid(proto.deployment_id),
        schedule=_rule_from(proto),
        active=not proto.paused,
        max_scheduled_runs=proto.max_scheduled_runs or None,
        parameters=read_json_object(proto.parameters),
        slug=proto.slug or None,
    )


def schedule_proto(wanted: DeploymentScheduleCreate) -> schedule_pb2.Schedule:
    """Return a schedule as it is sent. Raises SerializationError for parameters that JSON cannot say."""
    proto = schedule_pb2.Schedule(
        slug=wanted.slug or "",
        time_zone=wanted.schedule.timezone or "",
        paused=not wanted.active,
        max_scheduled_runs=wanted.max_scheduled_runs or 0,
        **rule_fields(wanted.schedule.schedule()),
    )
    if wanted.parameters:
        proto.parameters.CopyFrom(json_payload(wanted.parameters, "parameters"))
    return proto


def _rule_from(proto: schedule_pb2.Schedule) -> SCHEDULE_TYPES:
    # The server has looked at what it keeps, with a database of time zones that may not be this one.
    zone = proto.time_zone or None
    kind = proto.WhichOneof("rule")
    if kind == "cron":
        return CronSchedule.model_construct(cron=proto.cron.expression, timezone=zone, day_or=not proto.cron.day_and)
    if kind == "recurrence":
        return RRuleSchedule.model_construct(rrule=proto.recurrence.rule, timezone=zone)
    span: timedelta = proto.interval.interval.ToTimedelta()
    anchor = optional_time(proto.interval, "anchor_time")
    return IntervalSchedule.model_construct(interval=span, anchor_date=anchor, timezone=zone)

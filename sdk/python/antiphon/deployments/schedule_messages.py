"""Schedules as the contract has them."""

from datetime import UTC, timedelta
from typing import Any

from antiphon.deployments.parameters import parameters_payload
from antiphon.schedules import Schedule
from antiphon.timestamps import write_timestamp
from antiphon.v1 import schedule_pb2

_CATCH_UP = {
    None: schedule_pb2.CATCH_UP_UNSPECIFIED,
    "skip": schedule_pb2.CATCH_UP_SKIP,
    "latest": schedule_pb2.CATCH_UP_LATEST,
    "all": schedule_pb2.CATCH_UP_ALL,
}
_OVERLAP = {
    None: schedule_pb2.OVERLAP_UNSPECIFIED,
    "allow": schedule_pb2.OVERLAP_ALLOW,
    "enqueue": schedule_pb2.OVERLAP_ENQUEUE,
    "skip": schedule_pb2.OVERLAP_SKIP,
    "cancel_other": schedule_pb2.OVERLAP_CANCEL_OTHER,
}


def schedule_message(schedule: Schedule) -> schedule_pb2.Schedule:
    """Return a schedule as the contract has it. Raises SerializationError for parameters that JSON cannot say."""
    message = schedule_pb2.Schedule(
        slug=schedule.slug or "",
        time_zone=schedule.timezone or "",
        catch_up=_CATCH_UP[schedule.catch_up],
        overlap=_OVERLAP[schedule.overlap],
        excluded_calendars=schedule.excluded_calendars,
        max_scheduled_runs=schedule.max_scheduled_runs or 0,
        **_rule(schedule),
    )
    # An active one that somebody has paused since stays so.
    if not schedule.active:
        message.paused = True
    if schedule.parameters:
        message.parameters.CopyFrom(parameters_payload(schedule.parameters, "The parameters of a schedule"))
    if schedule.jitter:
        message.jitter.FromTimedelta(schedule.jitter)
    return message


def _rule(schedule: Schedule) -> dict[str, Any]:
    if schedule.cron is not None:
        return {"cron": schedule_pb2.CronRule(expression=schedule.cron, day_and=not schedule.day_or)}
    if schedule.rrule is not None:
        return {"recurrence": schedule_pb2.RecurrenceRule(rule=schedule.rrule)}
    rule = schedule_pb2.IntervalRule()
    rule.interval.FromTimedelta(schedule.interval or timedelta())
    anchor = schedule.anchor_date
    if anchor is not None:
        write_timestamp(rule.anchor_time, anchor if anchor.tzinfo is not None else anchor.replace(tzinfo=UTC))
    return {"interval": rule}

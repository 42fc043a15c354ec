"""When a schedule fires, as the contract has it."""

from datetime import UTC, timedelta
from typing import Any

from antiphon.schedules import Schedule
from antiphon.timestamps import write_timestamp
from antiphon.v1 import schedule_pb2


def rule_fields(schedule: Schedule) -> dict[str, Any]:
    """Return the field of a contract's Schedule that says when this one fires, with its value."""
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

"""Schedules and calendars: rows to messages and messages to operations."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from antiphon.v1 import payload_pb2, schedule_pb2
from antiphon.v1 import schedule_service_pb2 as pb
from antiphon_server.application.arguments import check_arguments
from antiphon_server.application.calendars import CreateCalendar, UpdateCalendar
from antiphon_server.application.schedules import CreateSchedule, UpdateSchedule
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.schedules.days_off import days_off
from antiphon_server.domain.schedules.kinds import CatchUp, Overlap, RuleKind
from antiphon_server.domain.schedules.series import moment_of
from antiphon_server.domain.schedules.timing import Timing
from antiphon_server.domain.schedules.zones import zone
from antiphon_server.rpc.limit_conversions import stamps
from antiphon_server.rpc.mutations import Columns, masked
from antiphon_server.wire_times import duration_to_micros, micros_to_duration, micros_to_timestamp, timestamp_to_micros

_RULES = ("cron", "interval", "recurrence")


def schedule_message(row: Any) -> schedule_pb2.Schedule:
    message = schedule_pb2.Schedule(
        id=row.id,
        deployment_id=row.deployment_id,
        slug=row.slug,
        time_zone=row.time_zone,
        paused=row.paused,
        parameters=payload_pb2.Payload.FromString(row.parameters) if row.parameters is not None else None,
        max_scheduled_runs=row.max_scheduled_runs,
        jitter=micros_to_duration(row.jitter) if row.jitter else None,
        catch_up=row.catch_up,
        overlap=row.overlap,
        excluded_calendars=json.loads(row.excluded_calendars),
        next_time=micros_to_timestamp(row.next_time) if row.next_time is not None else None,
        **stamps(row),
    )
    if row.rule_kind == RuleKind.CRON:
        message.cron.CopyFrom(schedule_pb2.CronRule(expression=row.rule, day_and=row.day_and))
    elif row.rule_kind == RuleKind.RECURRENCE:
        message.recurrence.rule = row.rule
    else:
        message.interval.interval.CopyFrom(micros_to_duration(row.interval))
        if row.anchor_time is not None:
            message.interval.anchor_time.CopyFrom(micros_to_timestamp(row.anchor_time))
    return message


def calendar_message(row: Any) -> schedule_pb2.Calendar:
    return schedule_pb2.Calendar(
        id=row.id,
        name=row.name,
        description=row.description,
        days=json.loads(row.days),
        weekdays=json.loads(row.weekdays),
        **stamps(row),
    )


def create_schedule_from(message: schedule_pb2.Schedule) -> CreateSchedule:
    if not message.deployment_id:
        raise InvalidArgument("DEPLOYMENT_MISSING", "a schedule needs deployment_id", field="schedule.deployment_id")
    values = schedule_columns(message, "schedule")
    return CreateSchedule({**values, "deployment_id": message.deployment_id.lower()})


def update_schedule_from(request: pb.UpdateScheduleRequest) -> UpdateSchedule:
    message = request.schedule
    columns = _columns(message, "schedule")
    rule = {path: lambda _: None for path in _RULES}
    values = masked(request.update_mask, message, {**columns, **rule})
    named = [path for path in _RULES if path in values]
    if named:
        if named != [message.WhichOneof("rule")]:
            raise InvalidArgument(
                "UPDATE_MASK_INVALID",
                f"update_mask names {' and '.join(named)}: name the one rule that is set",
                field="update_mask",
            )
        for path in named:
            del values[path]
        # The zone that holds is not known here; what the rule itself says is the same in all of them.
        values |= _rule_columns(message, "schedule")
        _check(message, "schedule")
    return UpdateSchedule(message.id.lower(), message.etag, values)


def schedule_columns(message: schedule_pb2.Schedule, field: str, kept: Sequence[str] = ()) -> dict[str, Any]:
    """The columns that a schedule is made with. Of the fields in `kept` those that are not set are None. Raises
    InvalidArgument: SCHEDULE_INVALID, TIME_ZONE_UNKNOWN, PARAMETERS_INVALID."""
    _check(message, field)
    values = {path: column(getattr(message, path)) for path, column in _columns(message, field).items()}
    values |= {name: None for name in kept if not message.HasField(name)}
    return {**values, **_rule_columns(message, field)}


def timing_from(message: schedule_pb2.Schedule, field: str) -> Timing:
    """Raises InvalidArgument: SCHEDULE_INVALID, TIME_ZONE_UNKNOWN."""
    columns = _rule_columns(message, field)
    timing = Timing(
        columns["rule_kind"],
        _zone(message.time_zone, field),
        columns["rule"],
        columns["day_and"],
        timedelta(microseconds=columns["interval"] or 0),
        moment_of(columns["anchor_time"]) if columns["anchor_time"] is not None else None,
    )
    try:
        timing.check()
    except ValueError as error:
        rule = message.WhichOneof("rule")
        raise InvalidArgument(
            "SCHEDULE_INVALID", f"{columns['rule']!r} is no {rule} schedule: {error}", field=f"{field}.{rule}"
        ) from None
    return timing


def create_calendar_from(message: schedule_pb2.Calendar) -> CreateCalendar:
    columns = _calendar_columns(message)
    return CreateCalendar(
        {"name": message.name, **{path: column(getattr(message, path)) for path, column in columns.items()}}
    )


def update_calendar_from(request: pb.UpdateCalendarRequest) -> UpdateCalendar:
    message = request.calendar
    values = masked(request.update_mask, message, _calendar_columns(message))
    return UpdateCalendar(message.id.lower(), message.etag, values)


def _check(message: schedule_pb2.Schedule, field: str) -> None:
    timing_from(message, field)


def _columns(message: schedule_pb2.Schedule, field: str) -> Columns:
    """For each field but the rule, what makes a column's value of it."""
    return {
        "slug": str,
        "time_zone": lambda name: _zone(name, field).key if name else "",
        "paused": bool,
        "parameters": lambda _: _parameters(message, field),
        "max_scheduled_runs": int,
        "jitter": lambda _: jitter_of(message, field),
        "catch_up": lambda number: number or CatchUp.LATEST.value,
        "overlap": lambda number: number or Overlap.ALLOW.value,
        "excluded_calendars": lambda names: json.dumps(list(names)),
    }


def _rule_columns(message: schedule_pb2.Schedule, field: str) -> dict[str, Any]:
    columns: dict[str, Any] = {"rule": "", "day_and": False, "interval": None, "anchor_time": None}
    rule = message.WhichOneof("rule")
    if rule == "cron":
        return {
            **columns,
            "rule_kind": RuleKind.CRON,
            "rule": message.cron.expression,
            "day_and": message.cron.day_and,
        }
    if rule == "recurrence":
        return {**columns, "rule_kind": RuleKind.RECURRENCE, "rule": message.recurrence.rule}
    interval, at = message.interval, f"{field}.interval"
    columns["interval"] = duration_to_micros(interval.interval, f"{at}.interval")
    if interval.HasField("anchor_time"):
        columns["anchor_time"] = timestamp_to_micros(interval.anchor_time, f"{at}.anchor_time")
    return {**columns, "rule_kind": RuleKind.INTERVAL}


def _zone(name: str, field: str) -> Any:
    try:
        return zone(name)
    except ValueError as error:
        raise InvalidArgument("TIME_ZONE_UNKNOWN", str(error), field=f"{field}.time_zone") from None


def jitter_of(message: schedule_pb2.Schedule, field: str) -> int:
    """In microseconds."""
    return duration_to_micros(message.jitter, f"{field}.jitter") if message.HasField("jitter") else 0


def _parameters(message: schedule_pb2.Schedule, field: str) -> bytes | None:
    if not message.HasField("parameters"):
        return None
    check_arguments(message.parameters, f"{field}.parameters")
    return message.parameters.SerializeToString(deterministic=True)


def _calendar_columns(message: schedule_pb2.Calendar) -> Columns:
    return {
        "description": str,
        "days": lambda days: _days(message.name, days),
        "weekdays": lambda numbers: json.dumps(list(numbers)),
    }


def _days(name: str, days: Sequence[str]) -> str:
    try:
        days_off(name, days, ())
    except ValueError as error:
        raise InvalidArgument("DAY_INVALID", str(error), field="calendar.days") from None
    return json.dumps(list(days))

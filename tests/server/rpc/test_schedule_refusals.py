"""What is said of schedules, calendars and backfills that are wrong: code, reason, field, and a sentence with a way
out; and nothing is written."""

import base64
import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from world import MISSING, World

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, EXISTS, ABORTED, FAILED, EXHAUSTED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
FIELD, RULE, MASK, MISSED, DAY, EMPTY, ZONE = (
    (INVALID, reason)
    for reason in (
        "FIELD_INVALID",
        "SCHEDULE_INVALID",
        "UPDATE_MASK_INVALID",
        "SCHEDULE_MISSING",
        "DAY_INVALID",
        "SPAN_EMPTY",
        "TIME_ZONE_UNKNOWN",
    )
)
SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-03T12:00:00Z"}


def create(**fields: Any) -> Ask:
    return lambda w: {"schedule": {"deploymentId": w.deployment, "cron": {"expression": "@daily"}, **fields}}


def ruled(**rule: Any) -> Ask:
    return lambda w: {"schedule": {"deploymentId": w.deployment, **rule}}


def cron(expression: str, **more: Any) -> Ask:
    return ruled(cron={"expression": expression, **more})


def rule(text: str) -> Ask:
    return ruled(recurrence={"rule": text})


def update(paths: str, **fields: Any) -> Ask:
    return lambda w: {"schedule": {"id": w.schedule, **fields}, "updateMask": paths}


def calendar(**fields: Any) -> Ask:
    return lambda w: {"calendar": {"name": "new", **fields}}


def backfill(**fields: Any) -> Ask:
    return lambda w: {"id": w.deployment, **SPAN, **fields}


def payload(data: str) -> dict[str, Any]:
    return {
        "metadata": {"encoding": "json/plain"},
        "data": base64.b64encode(data.encode()).decode(),
    }


def in_use(w: World) -> dict[str, Any]:
    w.call("CreateSchedule", create(excludedCalendars=["holidays"])(w))
    return {"id": w.calendar}


def a_hundred(w: World) -> dict[str, Any]:
    for _ in range(99):
        w.call("CreateSchedule", create(paused=True)(w))
    return create()(w)


def slug_of_another(w: World) -> dict[str, Any]:
    other = w.call("CreateSchedule", create(slug="other")(w)).schedule.id
    return {"schedule": {"id": other, "slug": "daily"}, "updateMask": "slug"}


def no_schedule(w: World) -> dict[str, Any]:
    w.call("DeleteSchedule", {"id": w.schedule})
    return backfill()(w)


def two_schedules(w: World) -> dict[str, Any]:
    w.call("CreateSchedule", create()(w))
    return backfill()(w)


def each_second(w: World) -> dict[str, Any]:
    w.call("UpdateSchedule", update("interval", interval={"interval": "1s"})(w))
    return backfill(endTime="2026-02-01T00:00:00Z")(w)


CASES: list[tuple[str, Ask, grpc.StatusCode, str, str, str]] = [
    ("CreateSchedule", cron("60 * * * *"), *RULE, "schedule.cron", "'60' is no minute (0 to 59)"),
    ("CreateSchedule", cron("0 6 * *"), *RULE, "schedule.cron", "it has 4 fields and not 5"),
    ("CreateSchedule", cron("0 0 30 2 *"), *RULE, "schedule.cron", "is there such a day"),
    ("CreateSchedule", cron("R * * * *"), *RULE, "schedule.cron", "or use jitter"),
    ("CreateSchedule", cron("@reboot"), *RULE, "schedule.cron", "it is none of @hourly"),
    ("CreateSchedule", cron(""), *FIELD, "schedule.cron.expression", ""),
    (
        "CreateSchedule",
        rule("nonsense"),
        *RULE,
        "schedule.recurrence",
        "write one like FREQ=DAILY",
    ),
    (
        "CreateSchedule",
        rule("DTSTART;TZID=Europe/Berlin:20260101T000000\nRRULE:FREQ=DAILY"),
        *RULE,
        "schedule.recurrence",
        "say the time zone in time_zone",
    ),
    ("CreateSchedule", rule("EXRULE:FREQ=DAILY"), *RULE, "schedule.recurrence", "say EXDATE"),
    ("CreateSchedule", rule("FREQ=DAILY;COUNT=5000"), *RULE, "schedule.recurrence", "say UNTIL"),
    (
        "CreateSchedule",
        rule("\n".join(["RRULE:FREQ=DAILY"] * 11)),
        *RULE,
        "schedule.recurrence",
        "it has 11 RRULEs; 10 are possible",
    ),
    (
        "CreateSchedule",
        rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
        *RULE,
        "schedule.recurrence",
        "it names no time within ten years",
    ),
    (
        "CreateSchedule",
        ruled(interval={"interval": "0.5s"}),
        *FIELD,
        "schedule.interval.interval",
        "",
    ),
    (
        "CreateSchedule",
        ruled(interval={"interval": "-60s"}),
        *FIELD,
        "schedule.interval.interval",
        "",
    ),
    (
        "CreateSchedule",
        ruled(interval={"interval": "315360001s"}),
        *FIELD,
        "schedule.interval.interval",
        "",
    ),
    ("CreateSchedule", ruled(interval={}), *FIELD, "schedule.interval.interval", ""),
    (
        "CreateSchedule",
        ruled(interval={"interval": "60s", "anchorTime": "0001-01-01T00:00:00Z"}),
        *RULE,
        "schedule.interval",
        "its anchor_time must be in the years 1900 to 2199",
    ),
    ("CreateSchedule", ruled(), *FIELD, "schedule.rule", ""),
    (
        "CreateSchedule",
        create(timeZone="Europe/Nowhere"),
        *ZONE,
        "schedule.time_zone",
        "no time zone 'Europe/Nowhere'; write one like Europe/Berlin",
    ),
    (
        "CreateSchedule",
        create(timeZone="../../x"),
        *ZONE,
        "schedule.time_zone",
        "write one like",
    ),
    ("CreateSchedule", create(slug="Daily Run"), *FIELD, "schedule.slug", ""),
    ("CreateSchedule", create(slug="daily"), EXISTS, "SCHEDULE_EXISTS", "", "update it, or choose another slug"),
    ("CreateSchedule", create(jitter="86401s"), *FIELD, "schedule.jitter", ""),
    ("CreateSchedule", create(maxScheduledRuns=101), *FIELD, "schedule.max_scheduled_runs", ""),
    ("CreateSchedule", create(catchUp=9), *FIELD, "schedule.catch_up", ""),
    ("CreateSchedule", create(overlap=9), *FIELD, "schedule.overlap", ""),
    (
        "CreateSchedule",
        create(excludedCalendars=["nope"]),
        NOT_FOUND,
        "CALENDAR_NOT_FOUND",
        "",
        "there is no calendar 'nope'; make it by CreateCalendar first",
    ),
    (
        "CreateSchedule",
        create(excludedCalendars=["a", "a"]),
        *FIELD,
        "schedule.excluded_calendars",
        "",
    ),
    ("CreateSchedule", create(parameters=payload("[1]")), INVALID, "PARAMETERS_INVALID", "schedule.parameters", ""),
    ("CreateSchedule", create(parameters=payload("{")), INVALID, "PARAMETERS_INVALID", "schedule.parameters", ""),
    ("CreateSchedule", create(deploymentId=MISSING), NOT_FOUND, "DEPLOYMENT_NOT_FOUND", "", ""),
    ("CreateSchedule", create(deploymentId=""), INVALID, "DEPLOYMENT_MISSING", "schedule.deployment_id", ""),
    ("CreateSchedule", a_hundred, EXHAUSTED, "SCHEDULES_TOO_MANY", "", "has 100 schedules already; delete one"),
    ("UpdateSchedule", update("slug", id=MISSING), NOT_FOUND, "SCHEDULE_NOT_FOUND", "", ""),
    (
        "UpdateSchedule",
        update("paused", paused=False, etag="7"),
        ABORTED,
        "ETAG_MISMATCH",
        "",
        "read it again and decide anew",
    ),
    ("UpdateSchedule", slug_of_another, EXISTS, "SCHEDULE_EXISTS", "", "choose another slug"),
    (
        "UpdateSchedule",
        update("interval", cron={"expression": "@daily"}),
        *MASK,
        "update_mask",
        "name the one rule that is set",
    ),
    (
        "UpdateSchedule",
        update("deploymentId", deploymentId=MISSING),
        *MASK,
        "update_mask",
        "",
    ),
    (
        "UpdateSchedule",
        update("cron", cron={"expression": "0 25 * * *"}),
        *RULE,
        "schedule.cron",
        "'25' is no hour (0 to 23)",
    ),
    (
        "UpdateSchedule",
        update("timeZone", cron={"expression": "@daily"}, timeZone="Nowhere"),
        *ZONE,
        "schedule.time_zone",
        "",
    ),
    (
        "UpdateSchedule",
        update("excludedCalendars", cron={"expression": "@daily"}, excludedCalendars=["nope"]),
        NOT_FOUND,
        "CALENDAR_NOT_FOUND",
        "",
        "",
    ),
    ("DeleteSchedule", lambda w: {"id": w.schedule, "etag": "9"}, ABORTED, "ETAG_MISMATCH", "", ""),
    ("DeleteSchedule", lambda w: {"id": MISSING}, NOT_FOUND, "SCHEDULE_NOT_FOUND", "", ""),
    ("GetSchedule", lambda w: {"id": MISSING}, NOT_FOUND, "SCHEDULE_NOT_FOUND", "", ""),
    ("PreviewSchedule", lambda w: {"id": MISSING}, NOT_FOUND, "SCHEDULE_NOT_FOUND", "", ""),
    (
        "PreviewSchedule",
        lambda w: {"given": {"cron": {"expression": "1 2 3"}}},
        *RULE,
        "given.cron",
        "it has 3 fields",
    ),
    (
        "PreviewSchedule",
        lambda w: {"given": {"cron": {"expression": "@daily"}, "excludedCalendars": ["nope"]}},
        NOT_FOUND,
        "CALENDAR_NOT_FOUND",
        "",
        "there is no calendar 'nope'",
    ),
    ("PreviewSchedule", lambda w: {"id": w.schedule, "count": 1001}, *FIELD, "count", ""),
    ("CreateCalendar", calendar(name="holidays"), EXISTS, "CALENDAR_EXISTS", "", "choose another name"),
    (
        "CreateCalendar",
        calendar(days=["2026-02-29"]),
        *DAY,
        "calendar.days",
        "there is no day 2026-02-29",
    ),
    ("CreateCalendar", calendar(days=["02-30"]), *DAY, "calendar.days", "there is no day 02-30"),
    ("CreateCalendar", calendar(days=["24.12."]), *FIELD, "calendar.days[0]", ""),
    ("CreateCalendar", calendar(weekdays=[0]), *FIELD, "calendar.weekdays[0]", ""),
    ("CreateCalendar", calendar(name=""), *FIELD, "calendar.name", ""),
    (
        "UpdateCalendar",
        lambda w: {"calendar": {"id": w.calendar, "days": ["13-01"]}, "updateMask": "days"},
        *DAY,
        "calendar.days",
        "there is no day 13-01",
    ),
    (
        "UpdateCalendar",
        lambda w: {"calendar": {"id": w.calendar, "name": "x"}, "updateMask": "name"},
        *MASK,
        "update_mask",
        "",
    ),
    (
        "UpdateCalendar",
        lambda w: {"calendar": {"id": w.calendar, "etag": "8"}, "updateMask": "days"},
        ABORTED,
        "ETAG_MISMATCH",
        "",
        "",
    ),
    ("DeleteCalendar", in_use, FAILED, "CALENDAR_IN_USE", "", "change those first"),
    ("DeleteCalendar", lambda w: {"id": MISSING}, NOT_FOUND, "CALENDAR_NOT_FOUND", "", ""),
    ("GetCalendar", lambda w: {"name": "nope"}, NOT_FOUND, "CALENDAR_NOT_FOUND", "", ""),
    ("BackfillDeployment", backfill(id=MISSING), NOT_FOUND, "DEPLOYMENT_NOT_FOUND", "", ""),
    (
        "BackfillDeployment",
        backfill(endTime=SPAN["startTime"]),
        *EMPTY,
        "end_time",
        "later than start_time",
    ),
    ("BackfillDeployment", backfill(scheduleId=MISSING), *MISSED, "schedule_id", "has no schedule"),
    (
        "BackfillDeployment",
        no_schedule,
        *MISSED,
        "schedule_id",
        "add one, paused if it shall not fire",
    ),
    (
        "BackfillDeployment",
        two_schedules,
        *MISSED,
        "schedule_id",
        "name the one whose times are meant",
    ),
    (
        "BackfillDeployment",
        each_second,
        INVALID,
        "BACKFILL_TOO_LONG",
        "end_time",
        "more than 100000 times of the schedule; fill a shorter one first",
    ),
    ("BackfillDeployment", backfill(maxActiveRuns=1001), *FIELD, "max_active_runs", ""),
    ("BackfillDeployment", backfill(parameters=payload("5")), INVALID, "PARAMETERS_INVALID", "parameters", ""),
    ("BackfillDeployment", lambda w: {"id": w.deployment}, *FIELD, "start_time", ""),
]


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "field", "said"),
    CASES,
    ids=[f"{place} {case[0]} {case[3]}" for place, case in enumerate(CASES)],
)
def test_it_says_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, field: str, said: str
) -> None:
    request = ask(world)
    before = everything(world)
    refused = world.refused(name, request)
    assert (refused.code, refused.reason) == (code, reason), refused.message
    assert said in refused.message
    if field:
        assert field in refused.fields
    assert everything(world) == before


def everything(world: World) -> list[Any]:
    return [
        world.call("ListSchedules"),
        world.call("ListCalendars"),
        world.call("ListFlowRuns"),
        world.call("ListOperations"),
        world.call("ListConcurrencyLimits"),
    ]


def test_parameters_that_do_not_fit_the_deployments_schema(world: World) -> None:
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "additionalProperties": False}
    fields = {"id": world.deployment, "parameterSchema": json.dumps(schema), "enforceParameterSchema": True}
    world.call("UpdateDeployment", {"deployment": fields, "updateMask": "parameterSchema,enforceParameterSchema"})
    for name, ask in (
        ("CreateSchedule", create(parameters=payload('{"day": 1}'))),
        ("UpdateSchedule", update("parameters", cron={"expression": "@daily"}, parameters=payload('{"x": 1}'))),
        ("BackfillDeployment", backfill(parameters=payload('{"day": null}'))),
    ):
        refused = world.refused(name, ask(world))
        assert (refused.code, refused.reason) == (INVALID, "PARAMETERS_INVALID"), name

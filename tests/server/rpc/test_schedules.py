"""Schedules, previews and backfills over the wire. What is refused is in test_schedule_refusals.py."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from antiphon.v1 import operation_pb2
from antiphon_server.domain.schedules import timing
from running_server import RunningServer
from server_process import ServerProcess
from until import until
from world import World

SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-03T12:00:00Z"}
RULES: dict[str, dict[str, Any]] = {
    "cron": {"cron": {"expression": "*/5 * * * *"}},
    "once": {"cron": {"expression": "0 6 29 2 *"}},
    "interval": {"interval": {"interval": "315360000s"}},
    "recurrence": {"recurrence": {"rule": "FREQ=SECONDLY"}},
}


def previewed(world: World, **fields: Any) -> list[str]:
    times = world.call("PreviewSchedule", fields).times
    return [f"{each.local_time} {each.excluded_by}".strip() for each in times]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Midway"])
def test_a_preview_at_the_ends_of_time(world: World, rule: str, zone: str) -> None:
    given = {**RULES[rule], "timeZone": zone}
    assert previewed(world, given=given, afterTime="9999-12-31T23:59:59.999999Z") == []
    assert previewed(world, given=given, afterTime="2200-01-01T00:00:00Z") == []
    first = previewed(world, given=given, afterTime="0001-01-01T00:00:00Z", count=1)
    assert first[0][:4] in ("1899", "1900", "1904", "1910", "2020", "2019")
    whole = previewed(world, given=given, afterTime="2026-01-01T00:00:00Z", count=1000)
    assert whole == sorted(set(whole))
    # Once in four years, or in ten, until 2200.
    assert len(whole) == {"once": 42, "interval": 18}.get(rule, 1000)


def test_a_preview_shows_jumps_and_days_off(world: World) -> None:
    world.call("CreateCalendar", {"calendar": {"name": "mondays", "weekdays": [1]}})
    given = {"cron": {"expression": "30 2 * * *"}, "timeZone": "Europe/Berlin", "excludedCalendars": ["mondays"]}
    assert previewed(world, given=given, afterTime="2026-03-28T12:00:00Z", count=3) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00 mondays",
        "2026-03-31T02:30:00+02:00",
    ]
    seconds = {"interval": {"interval": "60s"}, "jitter": "30s"}
    times = world.call("PreviewSchedule", {"given": seconds, "count": 50}).times
    assert len({each.time.ToMicroseconds() % 60_000_000 for each in times}) > 20, "starts are with jitter"
    assert {each.local_time[17:19] for each in times} == {"00"}, "and times without it"


def test_what_is_stored_is_previewed_though_it_rests(world: World) -> None:
    assert previewed(world, id=world.schedule.upper(), afterTime="2026-01-01T00:00:00Z", count=1) == [
        "2026-01-02T00:00:00+00:00"
    ]
    assert not world.call("GetSchedule", {"id": world.schedule}).schedule.HasField("next_time")


def test_every_field_comes_back_as_it_was_written(world: World) -> None:
    fields = {
        "slug": "all",
        "timeZone": "Asia/Tokyo",
        "maxScheduledRuns": 3,
        "jitter": "1.500s",
        "catchUp": "CATCH_UP_ALL",
        "overlap": "OVERLAP_ENQUEUE",
        "excludedCalendars": ["holidays"],
        "parameters": {"metadata": {"encoding": "json/plain"}, "data": "eyJhIjogMX0="},
    }
    for rule in (
        {"cron": {"expression": "0 6 13 * fri", "dayAnd": True}},
        {"interval": {"interval": "90s", "anchorTime": "2026-01-01T00:00:30Z"}},
        {"recurrence": {"rule": "RRULE:FREQ=DAILY\nEXDATE:20260601T000000"}},
    ):
        request = {"schedule": {"deploymentId": world.deployment, **rule, **fields}}
        made = world.call("CreateSchedule", request).schedule
        assert made == world.call("GetSchedule", {"id": made.id}).schedule
        assert (made.slug, made.time_zone, made.max_scheduled_runs, made.jitter.ToMilliseconds()) == (
            "all",
            "Asia/Tokyo",
            3,
            1500,
        )
        assert made.WhichOneof("rule") == next(iter(rule))
        assert made.HasField("next_time")
        world.call("DeleteSchedule", {"id": made.id})


def test_a_rule_is_changed_for_one_of_another_kind(world: World) -> None:
    change = {"schedule": {"id": world.schedule, "interval": {"interval": "3600s"}}, "updateMask": "interval"}
    changed = world.call("UpdateSchedule", change).schedule
    assert (changed.WhichOneof("rule"), changed.cron.expression) == ("interval", "")
    assert previewed(world, id=world.schedule, afterTime="2026-01-01T00:00:00Z", count=1) == [
        "2026-01-01T01:00:00+00:00"
    ]


def test_others_do_not_wait_for_a_rule_that_takes_long_to_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, answered = threading.Event(), threading.Event()

    def slow(text: str, zone: ZoneInfo) -> None:
        begun.set()
        assert answered.wait(10), "nobody was answered meanwhile"

    monkeypatch.setattr(timing, "check_rrule", slow)
    schedule = {"deploymentId": world.deployment, "recurrence": {"rule": "FREQ=DAILY"}}
    deployment = {"name": "slow", "flowName": "flow", "schedules": [{"recurrence": {"rule": "FREQ=DAILY"}}]}
    for name, request in (("CreateSchedule", {"schedule": schedule}), ("CreateDeployment", {"deployment": deployment})):
        begun.clear()
        answered.clear()
        with ThreadPoolExecutor(1) as pool:
            slowly = pool.submit(world.call, name, request)
            assert begun.wait(30)
            world.call("ListSchedules")
            answered.set()
            slowly.result()


def test_a_call_that_is_sent_again_does_nothing_twice(world: World) -> None:
    id = "0190163d-8694-739b-aea5-966c26f8ad91"
    request = {"id": world.deployment, **SPAN, "requestId": id}
    first, second = (world.call("BackfillDeployment", request) for _ in range(2))
    world.call("DeleteSchedule", {"id": world.schedule})
    assert first == second == world.call("BackfillDeployment", request)
    assert len(world.call("ListOperations").operations) == 1


def test_a_dry_run_says_what_a_backfill_would_do_and_writes_nothing(world: World) -> None:
    request = {"id": world.deployment, **SPAN}
    dry = world.call("BackfillDeployment", {**request, "dryRun": True})
    assert (dry.total_count, dry.existing_count, dry.HasField("operation")) == (3, 0, False)
    assert world.call("ListOperations").operations == []
    real = world.call("BackfillDeployment", {**request, "maxActiveRuns": 3, "tags": ["again"]})
    assert (real.times, real.total_count) == (dry.times, 3)
    until(lambda: len(runs_of(world, "backfill")) == 3)
    again = world.call("BackfillDeployment", {**request, "dryRun": True})
    assert (again.total_count, again.existing_count) == (3, 3)
    for run in runs_of(world, "again"):
        finish(world, run.id)
    operation = world.ended(real.operation.id)
    assert (operation.state, operation.succeeded_count, operation.total_count) == (
        operation_pb2.OPERATION_STATE_SUCCEEDED,
        3,
        3,
    )


def test_a_span_is_half_open_and_a_long_one_tells_its_first_times(world: World) -> None:
    def dry(**fields: Any) -> Any:
        return world.call("BackfillDeployment", {"id": world.deployment, **SPAN, **fields, "dryRun": True})

    assert dry(endTime="2026-01-02T00:00:00Z").total_count == 1
    assert dry(startTime="2026-01-01T00:00:00.000001Z").total_count == 2
    long = dry(startTime="1990-01-01T00:00:00Z", endTime="2020-01-01T00:00:00Z")
    assert (long.total_count, len(long.times)) == (10957, 100)
    assert dry(startTime="0001-01-01T00:00:00Z", endTime="1900-01-03T00:00:00Z").total_count == 1
    assert dry(startTime="9000-01-01T00:00:00Z", endTime="9999-12-31T00:00:00Z").total_count == 0


def test_a_backfill_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    with closing(ServerProcess(tmp_path).serving()) as server, server.channel() as channel:
        world = World(SimpleNamespace(channel=channel))
        world.fill()
        request = {"id": world.deployment, **SPAN, "maxActiveRuns": 2}
        id = world.call("BackfillDeployment", request).operation.id
        until(lambda: len(runs_of(world, "backfill")) == 2)
        server.end(signal.SIGKILL)
    with RunningServer(tmp_path) as next_one:
        world = World(next_one)
        for _ in range(3):
            until(lambda: bool(active(world)))
            assert len(active(world)) <= 2
            finish(world, active(world)[0].id)
        operation = world.ended(id)
        assert (operation.state, operation.succeeded_count) == (operation_pb2.OPERATION_STATE_SUCCEEDED, 3)
        assert len(runs_of(world, "backfill")) == 3


def runs_of(world: World, tag: str) -> list[Any]:
    return [run for run in world.call("ListFlowRuns").flow_runs if tag in run.tags]


def active(world: World) -> list[Any]:
    return [run for run in runs_of(world, "backfill") if run.state.name == "Scheduled"]


def finish(world: World, run: str) -> None:
    for type_ in ("PENDING", "RUNNING", "COMPLETED"):
        world.propose(run, type_)

"""Schedules as code says them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from antiphon.deployments.schedule_messages import schedule_message
from antiphon.schedules import Cron, Interval, RRule, Schedule
from antiphon.v1 import schedule_pb2


def test_all_options_reach_the_contract() -> None:
    made = schedule_message(
        Cron(
            "0 3 * * *",
            timezone="Europe/Berlin",
            day_or=False,
            active=False,
            parameters={"at": datetime(2026, 1, 1, tzinfo=UTC)},
            slug="nightly",
            jitter=90,
            catch_up="all",
            overlap="cancel_other",
            excluded_calendars=["holidays"],
            max_scheduled_runs=3,
        )
    )
    assert (made.cron.expression, made.cron.day_and, made.time_zone, made.slug) == (
        "0 3 * * *",
        True,
        "Europe/Berlin",
        "nightly",
    )
    assert made.paused and made.parameters.data == b'{"at":"2026-01-01T00:00:00Z"}'
    assert (made.jitter.seconds, made.max_scheduled_runs, list(made.excluded_calendars)) == (90, 3, ["holidays"])
    assert (made.catch_up, made.overlap) == (schedule_pb2.CATCH_UP_ALL, schedule_pb2.OVERLAP_CANCEL_OTHER)


def test_an_active_schedule_leaves_a_pause_on_the_server_alone() -> None:
    assert not schedule_message(Cron("@daily")).HasField("paused")


def test_intervals_and_rules() -> None:
    anchor = datetime(2026, 5, 1, 12)
    made = schedule_message(Interval(timedelta(hours=2), anchor_date=anchor))
    assert (made.interval.interval.seconds, made.interval.anchor_time.ToJsonString()) == (7200, "2026-05-01T12:00:00Z")
    assert schedule_message(Interval(1.5)).interval.interval.ToTimedelta() == timedelta(seconds=1.5)
    assert not schedule_message(Interval(60)).interval.HasField("anchor_time")
    assert schedule_message(RRule("FREQ=DAILY")).recurrence.rule == "FREQ=DAILY"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Schedule(), ValueError, "has one of interval, cron and rrule, and this has none"),
        (lambda: Schedule(cron="@daily", rrule="x"), ValueError, "and this has cron and rrule"),
        (lambda: Cron(5), TypeError, "cron is text, not int: 5"),  # type: ignore[arg-type]
        (lambda: Cron("@daily", timezone="Europe/Berln"), ValueError, r"did you mean 'Europe/Berlin'\?"),
        (lambda: Cron("@daily", timezone=1), TypeError, "timezone is text"),  # type: ignore[arg-type]
        (lambda: Interval(0), ValueError, "from one second to ten years long, and not 0:00:00"),
        (lambda: Interval(-5), ValueError, "from one second"),
        (lambda: Interval("5"), TypeError, "interval is a number of seconds or a timedelta, not str"),  # type: ignore[arg-type]
        (lambda: Interval(1e30), ValueError, "that a clock can say"),
        (lambda: Interval(float("nan")), ValueError, "that a clock can say"),
        (lambda: Interval(60, anchor_date="x"), TypeError, "anchor_date is a datetime, not str"),  # type: ignore[arg-type]
        (lambda: Schedule(cron="@daily", anchor_date=datetime(2026, 1, 1)), ValueError, "belongs to an interval"),
        (lambda: Cron("@daily", jitter=90_000), ValueError, "jitter is from 0 to a day"),
        (lambda: Cron("@daily", catch_up="every"), ValueError, "catch_up is one of skip, latest, all, and not 'every'"),  # type: ignore[arg-type]
        (lambda: Cron("@daily", overlap="no"), ValueError, "overlap is one of allow, enqueue, skip, cancel_other"),  # type: ignore[arg-type]
        (lambda: Cron("@daily", max_scheduled_runs=0), ValueError, "max_scheduled_runs is from 1 to 100"),
        (lambda: Cron("@daily", excluded_calendars="x"), TypeError, r"is a list of names: write \['x'\]"),
        (lambda: Cron("@daily", parameters=[1]), TypeError, "are a dict, not list"),  # type: ignore[arg-type]
    ],
)
def test_mistakes_are_told(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()

"""Times with days off, and moments as numbers."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from antiphon_server.domain.schedules.days_off import DaysOff
from antiphon_server.domain.schedules.kinds import RuleKind
from antiphon_server.domain.schedules.series import Series, micros_of, moment_of, start_of
from antiphon_server.domain.schedules.timing import Timing
from jumps import utc

AUCKLAND = ZoneInfo("Pacific/Auckland")
XMAS = DaysOff("xmas", frozenset(), frozenset({(12, 25)}), frozenset())
WEEKENDS = DaysOff("weekends", frozenset(), frozenset(), frozenset({6, 7}))


def test_moments_and_numbers() -> None:
    for moment in (utc("0001-01-01T00:00"), utc("1969-12-31T23:59"), datetime.max.replace(tzinfo=UTC)):
        assert moment_of(micros_of(moment)) == moment


def test_a_day_is_one_of_the_time_zone() -> None:
    series = Series(Timing(RuleKind.CRON, AUCKLAND, "0 */6 * * *"), [XMAS])
    found = [
        moment_of(each).astimezone(AUCKLAND) for each in islice(series.after(micros_of(utc("2026-12-24T00:00"))), 5)
    ]
    assert [f"{each:%d %H}" for each in found] == ["24 18", "26 00", "26 06", "26 12", "26 18"]
    assert series.excluded_by(utc("2026-12-24T11:30")) is XMAS
    assert series.excluded_by(utc("2026-12-25T11:30")) is None


def test_days_off_are_no_longer_than_days_where_clocks_jump() -> None:
    for day, zone in ((date(2026, 3, 29), "Europe/Berlin"), (date(2026, 10, 25), "Europe/Berlin")):
        zone_info, off = ZoneInfo(zone), DaysOff("one", frozenset({day}), frozenset(), frozenset())
        series = Series(Timing(RuleKind.CRON, zone_info, "*/30 * * * *"), [off])
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone_info)
        begin = micros_of(midnight.astimezone(UTC)) - 3_600_000_000
        found = [moment_of(each).astimezone(zone_info) for each in islice(series.after(begin), 2)]
        assert [f"{each:%d %H:%M}" for each in found] == [
            f"{day - timedelta(days=1):%d} 23:30",
            f"{day + timedelta(days=1):%d} 00:00",
        ]


def test_several_calendars_and_the_one_that_is_told() -> None:
    series = Series(Timing(RuleKind.CRON, ZoneInfo("UTC"), "0 6 * * *"), [WEEKENDS, XMAS])
    found = [moment_of(each).day for each in islice(series.after(micros_of(utc("2026-12-23T12:00"))), 2)]
    assert found == [24, 28]
    assert series.excluded_by(utc("2026-12-25T06:00")) is XMAS
    assert series.excluded_by(utc("2026-12-26T06:00")) is WEEKENDS


def test_jitter_is_below_its_bound() -> None:
    assert start_of(5, 0, "x") == 5
    drawn = [start_of(time, 1000, "x") - time for time in range(500)]
    assert min(drawn) >= 0
    assert max(drawn) < 1000
    assert len(set(drawn)) > 300

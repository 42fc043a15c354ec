"""Recurrence rules, compared with dateutil on a clock that does not jump."""

import time
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from antiphon_server.domain.schedules.rrule import check_rrule, rrule_times
from jumps import ZONES, jumps, on_wall, utc

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
RULES = (
    "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=30",
    "FREQ=HOURLY;BYMINUTE=0,20",
    "FREQ=HOURLY;INTERVAL=5",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;BYHOUR=1,2",
    "DTSTART:20200131T023000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1,1",
    "FREQ=MINUTELY;INTERVAL=45",
)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("rule", RULES)
def test_each_wall_time_fires_once_around_every_jump(name: str, rule: str) -> None:
    """dateutil says the wall times; here each is turned into the moment that RFC 5545 means by zoneinfo alone."""
    zone, hours = ZoneInfo(name), timedelta(hours=30)
    for jump in jumps(zone, 2023, 2027):
        begin, end = jump - hours, jump + hours
        wall = jump.astimezone(zone).replace(tzinfo=None)
        walls = rrulestr(rule, dtstart=datetime(2020, 1, 1)).between(wall - 2 * hours, wall + 2 * hours)
        wanted = {each.replace(tzinfo=zone).astimezone(UTC) for each in walls}
        found = [each for each in islice(rrule_times(rule, zone, begin), 400) if each <= end]
        assert found == sorted(each for each in wanted if begin < each <= end), (jump, rule)
        for moment in found[:-1]:
            assert next(rrule_times(rule, zone, moment)) == found[found.index(moment) + 1]


def test_what_follows_a_skipped_time_before_its_moment_is_not_lost() -> None:
    rule = "RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=45\nRRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15"
    assert on_wall(rrule_times(rule, BERLIN, utc("2026-03-28T12:00")), BERLIN, 3) == [
        "03-29 03:15+02:00",
        "03-29 03:45+02:00",
        "03-30 02:45+02:00",
    ]


def test_sets_and_ends() -> None:
    start = utc("2026-03-27T12:00")
    rule = "FREQ=DAILY;UNTIL=20260330T000000Z\nRDATE:20260401T010203\nEXDATE:20260329T000000"
    found = [f"{each:%m-%d %H:%M:%S}" for each in rrule_times(rule, UTC, start)]
    assert found == ["03-28 00:00:00", "03-30 00:00:00", "04-01 01:02:03"]
    counted = "DTSTART:20260101T060000\nRRULE:FREQ=WEEKLY;COUNT=14"
    assert [f"{each:%m-%d}" for each in rrule_times(counted, UTC, start)] == ["04-02"]
    assert list(rrule_times(counted, UTC, utc("2027-01-01T00:00"))) == []


def test_times_in_utc_are_those_moments() -> None:
    rule = "DTSTART:20260701T220000Z\nRRULE:FREQ=DAILY"
    assert on_wall(rrule_times(rule, BERLIN, utc("2026-07-01T00:00")), BERLIN, 1) == ["07-02 00:00+02:00"]


def test_for_ever_may_be_written_as_the_end_of_time() -> None:
    rule = "FREQ=DAILY;UNTIL=99991231T235959Z"
    check_rrule(rule, ZoneInfo("Asia/Tokyo"))
    assert next(rrule_times(rule, ZoneInfo("Asia/Tokyo"), utc("2026-01-01T00:00"))) == utc("2026-01-01T15:00")


def test_a_long_span_is_not_cut_at_a_horizon() -> None:
    found = list(islice(rrule_times("FREQ=YEARLY", UTC, utc("2026-06-01T00:00")), 40))
    assert [found[0].year, found[-1].year, len(set(found))] == [2027, 2066, 40]
    assert list(islice(rrule_times("FREQ=YEARLY;UNTIL=20400101T000000Z", UTC, utc("2026-06-01T00:00")), 40))[-1] == utc(
        "2040-01-01T00:00"
    )


def test_a_rule_that_begins_long_ago_says_the_same_as_when_it_is_walked_through() -> None:
    after = utc("2026-05-05T05:05")
    for rule in (
        "DTSTART:19040229T010000\nRRULE:FREQ=YEARLY;INTERVAL=2",
        "DTSTART:19040229T010000\nRRULE:FREQ=YEARLY",
        "DTSTART:19010131T010000\nRRULE:FREQ=MONTHLY;INTERVAL=7",
        "DTSTART:19010131T010000\nRRULE:FREQ=MONTHLY;INTERVAL=5;BYDAY=2TU,-1FR",
        "DTSTART:19010106T010000\nRRULE:FREQ=WEEKLY;INTERVAL=11;WKST=SU;BYDAY=MO,SU",
        "DTSTART:19010106T010000\nRRULE:FREQ=DAILY;INTERVAL=13;BYMONTH=1,6",
        "DTSTART:19010106T010000\nRRULE:FREQ=HOURLY;INTERVAL=25;BYDAY=SA",
        "DTSTART:19010106T010000\nRRULE:FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=TH",
    ):
        walked = [each.replace(tzinfo=UTC) for each in rrulestr(rule).xafter(after.replace(tzinfo=None), count=8)]
        assert list(islice(rrule_times(rule, UTC, after), 8)) == walked, rule


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("nonsense", "RFC 5545, section 3.8.5, has no such rule"),
        ("", "(empty string); write one like FREQ=DAILY"),
        ("FREQ=NOPE", "invalid 'FREQ': NOPE"),
        ("FREQ=DAILY;BYDAY=XX", "invalid 'BYDAY': XX"),
        ("FREQ=DAILY;BYHOUR=25", "hour must be in 0..23"),
        ("DTSTART;TZID=Europe/Berlin:20260101T000000\nRRULE:FREQ=DAILY", "say the time zone in time_zone"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "say EXDATE, or exclude a calendar"),
        ("EXDATE:20260101T000000", "it says only when not to fire; add a line like RRULE:FREQ=DAILY"),
        ("\n".join(["RRULE:FREQ=DAILY"] * 11), "it has 11 RRULEs; 10 are possible"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be from 1 to 100000"),
        ("FREQ=DAILY;INTERVAL=100001", "INTERVAL must be from 1 to 100000"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be from 1 to 1000; say UNTIL instead"),
        ("FREQ=SECONDLY;COUNT=1000000000", "COUNT must be from 1 to 1000; say UNTIL instead"),
        ("DTSTART:18991231T000000\nRRULE:FREQ=DAILY", "DTSTART must be in the years 1900 to 2199"),
        ("DTSTART:99990101T000000\nRRULE:FREQ=DAILY", "DTSTART must be in the years 1900 to 2199"),
        ("FREQ=HOURLY;BYSETPOS=3", "BYSETPOS goes with FREQ=DAILY and longer steps"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MINUTELY and SECONDLY go with BYDAY and finer ones"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it names no time within ten years of its start"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "it names no time within ten years of its start"),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "it names no time within ten years of its start"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "it names no time within ten years of its start"),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=3", "it names no time within ten years of its start"),
        ("FREQ=DAILY;UNTIL=20190101T000000Z", "it names no time within ten years of its start"),
    ],
)
def test_what_is_said_of_a_wrong_one(rule: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        check_rrule(rule, BERLIN)
    assert said in str(refused.value)


_EACH_SECOND = f"BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))};BYSECOND=0,1,2"


def test_a_rule_that_names_each_second_of_each_day_of_each_year_is_refused_at_once() -> None:
    for freq in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY"):
        with pytest.raises(ValueError, match="name 4320 times of a day and 300 are possible"):
            check_rrule(f"DTSTART:19000101T000000\nRRULE:FREQ={freq};{_EACH_SECOND}", UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:19010101T000000\nRRULE:FREQ=SECONDLY",
        "DTSTART:19010101T000000\nRRULE:FREQ=MINUTELY;BYDAY=MO;BYHOUR=3",
        "DTSTART:19000101T000000\nRRULE:FREQ=YEARLY;BYMONTH=1,2,3,4,5,6;BYDAY=MO,TU,WE;BYMINUTE=1,2,3,4,5;BYHOUR=1,2,3",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=29",
        "\n".join(["RRULE:FREQ=DAILY;COUNT=1000"] * 10),
    ],
)
def test_none_that_is_let_in_takes_long(rule: str) -> None:
    check_rrule(rule, BERLIN)
    begin = time.process_time()
    list(islice(rrule_times(rule, BERLIN, utc("2026-03-29T12:00")), 3))
    assert time.process_time() - begin < 1

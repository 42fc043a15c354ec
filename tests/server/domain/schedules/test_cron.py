"""Cron expressions, compared with cronsim around each jump of twenty zones, and by hand where that is wrong."""

import random
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from antiphon_server.domain.schedules.cron import check_cron, cron_times
from jumps import ZONES, jumps, on_wall, utc

EXPRESSIONS = (
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 * * * *",
    "*/30 2 * * *",
    "30 */3 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "15 1 * * *",
    "30 1-3 * * *",
    "30 2 * * *",
    "0,30 2 * * *",
    "0 0-6/2 * * *",
    "5 4 * * sun",
    "45 23 * * 6,0",
    "0 12 1 * *",
    "0 3 l * *",
    "0 2 1,15 * fri",
)


@pytest.mark.parametrize("name", ZONES)
def test_they_fire_when_an_independent_library_says_around_every_jump(name: str) -> None:
    zone, chance = ZoneInfo(name), random.Random(name)
    for jump in jumps(zone):
        for expression in EXPRESSIONS:
            # cronsim is wrong about what follows where it is started within a fold.
            start = jump - timedelta(hours=chance.choice((2, 3, 7, 26)), minutes=chance.randrange(60))
            count = 300 if expression.startswith("* ") else 25
            ours = list(islice(cron_times(expression, zone, start, day_or=True), count))
            theirs = [each.astimezone(UTC) for each in islice(CronSim(expression, start.astimezone(zone)), count)]
            assert ours == theirs, (jump, expression, start)


@pytest.mark.parametrize("name", [*ZONES, "Australia/Lord_Howe", "Pacific/Apia"])
def test_wherever_one_begins_to_look_the_times_are_the_same(name: str) -> None:
    zone, chance = ZoneInfo(name), random.Random(name)
    for jump in jumps(zone):
        for expression in chance.sample(EXPRESSIONS[1:], 3):
            begin, end = jump - timedelta(hours=30), jump + timedelta(hours=30)
            all_times = [each for each in islice(cron_times(expression, zone, begin, day_or=True), 200) if each < end]
            for after in [*all_times, jump, *(jump + timedelta(minutes=chance.randrange(-90, 90)) for _ in range(5))]:
                found = next(cron_times(expression, zone, after, day_or=True))
                assert found == next((each for each in all_times if each > after), found), (expression, after)


def test_where_the_clock_is_put_forward_what_is_meant_once_fires_at_the_jump() -> None:
    zone, start = ZoneInfo("Europe/Berlin"), utc("2026-03-28T12:00")
    expected = ["03-29 03:00+02:00", "03-30 02:30+02:00"]
    assert on_wall(cron_times("30 2 * * *", zone, start, day_or=True), zone, 2) == expected
    # Two skipped times are one moment.
    assert on_wall(cron_times("0,30 2 * * *", zone, start, day_or=True), zone, 2) == [expected[0], "03-30 02:00+02:00"]


def test_where_it_is_put_back_what_follows_the_clock_fires_twice_and_what_is_meant_once_at_the_first_moment() -> None:
    zone, start = ZoneInfo("Europe/Berlin"), utc("2026-10-24T23:59")
    assert on_wall(cron_times("30 2 * * *", zone, start, day_or=True), zone, 2) == [
        "10-25 02:30+02:00",
        "10-26 02:30+01:00",
    ]
    assert on_wall(cron_times("*/30 2 * * *", zone, start, day_or=True), zone, 5) == [
        "10-25 02:00+02:00",
        "10-25 02:30+02:00",
        "10-25 02:00+01:00",
        "10-25 02:30+01:00",
        "10-26 02:00+01:00",
    ]


def test_jumps_of_half_an_hour() -> None:
    """Lord Howe, where cronsim takes each jump for an hour: 2:00 is put back to 1:30 and put forward to 2:30."""
    zone, back, forward = ZoneInfo("Australia/Lord_Howe"), utc("2022-04-02T14:00"), utc("2022-10-01T14:40")
    assert on_wall(cron_times("30 * * * *", zone, back, day_or=True), zone, 3) == [
        "04-03 01:30+11:00",
        "04-03 01:30+10:30",
        "04-03 02:30+10:30",
    ]
    assert on_wall(cron_times("*/15 1 * * *", zone, back, day_or=True), zone, 6) == [
        "04-03 01:15+11:00",
        "04-03 01:30+11:00",
        "04-03 01:45+11:00",
        "04-03 01:30+10:30",
        "04-03 01:45+10:30",
        "04-04 01:00+10:30",
    ]
    assert on_wall(cron_times("15 2 * * *", zone, forward, day_or=True), zone, 2) == [
        "10-02 02:30+11:00",
        "10-03 02:15+11:00",
    ]
    assert on_wall(cron_times("*/15 2 * * *", zone, forward, day_or=True), zone, 2) == [
        "10-02 02:30+11:00",
        "10-02 02:45+11:00",
    ]


def test_a_day_that_a_zone_skips() -> None:
    """Samoa had no 30 December 2011."""
    zone, start = ZoneInfo("Pacific/Apia"), utc("2011-12-29T12:00")
    assert on_wall(cron_times("0 6 * * *", zone, start, day_or=True), zone, 3) == [
        "12-29 06:00-10:00",
        "12-31 00:00+14:00",
        "12-31 06:00+14:00",
    ]


def test_what_names_and_seconds_say() -> None:
    start = utc("2026-01-01T00:00")
    cases = {
        "@hourly": "01-01 01:00",
        "@Daily": "01-02 00:00",
        "@weekly": "01-04 00:00",
        "@monthly": "02-01 00:00",
        "@yearly": "01-01 00:00",
        "0 6 * * MON-fri": "01-01 06:00",
        "0 0 * * fri#2": "01-09 00:00",
        "0 0 L * *": "01-31 00:00",
        "0 0 29 2 *": "02-29 00:00",
        "* * * * * 7": "01-01 00:00",
    }
    zone = ZoneInfo("UTC")
    assert {each: on_wall(cron_times(each, zone, start, day_or=True), zone, 1)[0][:11] for each in cases} == cases
    seconds = list(islice(cron_times("* * * * * */20", zone, start, day_or=True), 3))
    assert [each.second for each in seconds] == [20, 40, 0]


def test_days_that_fit_either_field_or_both() -> None:
    zone, start = ZoneInfo("UTC"), utc("2026-02-01T00:00")
    either = on_wall(cron_times("0 0 13 * fri", zone, start, day_or=True), zone, 3)
    both = on_wall(cron_times("0 0 13 * fri", zone, start, day_or=False), zone, 3)
    assert [each[:5] for each in either] == ["02-06", "02-13", "02-20"]
    assert [each[:5] for each in both] == ["02-13", "03-13", "11-13"]


def test_two_who_read_one_expression_do_not_disturb_each_other() -> None:
    zone = ZoneInfo("UTC")
    one = cron_times("0 0 * * *", zone, utc("2026-01-01T00:00"), day_or=True)
    next(one)
    other = cron_times("0 0 * * *", zone, utc("2027-01-01T00:00"), day_or=True)
    assert [each.year for each in (next(other), next(one), next(other), next(one))] == [2027, 2026, 2027, 2026]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "it has 0 fields and not 5, or 6 with seconds: minute hour day month weekday"),
        ("0 6 * *", "it has 4 fields and not 5, or 6 with seconds: minute hour day month weekday"),
        ("0 6 * * * * 2027", "it has 7 fields"),
        ("60 * * * *", "'60' is no minute (0 to 59)"),
        ("0 24 * * *", "'24' is no hour (0 to 23)"),
        ("0 0 0 * *", "'0' is no day of the month (1 to 31)"),
        ("0 0 1 13 *", "'13' is no month (1 to 12)"),
        ("0 0 * * 8", "'8' is no day of the week (0 to 7, or sun to sat)"),
        ("0 0 * * fri#6", "'fri#6' is no day of the week"),
        ("0 0 * * * 60", "'60' is no second (0 to 59)"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("1,,2 * * * *", "'1,,2' is no minute"),
        ("x 26 * * *", "'x' is no minute"),
        ("R * * * *", "'R' asks for a random or hashed minute (0 to 59); write the value, or use jitter"),
        ("0 7,h(0-3) * * *", "'7,h(0-3)' asks for a random or hashed hour"),
        ("0 0 30 2 *", "no day fits it within 10 years; is there such a day in that month?"),
        ("0 0 31 4,6,9,11 *", "no day fits it within 10 years"),
        ("@reboot", "it is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"),
        ("@hourly 5", "it is none of @hourly"),
    ],
)
def test_what_is_said_of_a_wrong_one(expression: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        check_cron(expression, day_or=True)
    assert said in str(refused.value)


def test_a_day_that_fits_both_fields_too_seldom_is_refused() -> None:
    check_cron("0 0 31 4 fri", day_or=True)  # Each Friday fits.
    with pytest.raises(ValueError, match="no day fits it"):
        check_cron("0 0 31 4 fri", day_or=False)


def test_whatever_is_written_gets_a_sentence_or_times() -> None:
    chance = random.Random(6)
    signs = "0123456789*/-,#lLwW?hHrR@() abfrsunmo"
    for _ in range(3_000):
        text = " ".join("".join(chance.choices(signs, k=chance.randrange(1, 5))) for _ in range(5))
        day_or = chance.random() < 0.5
        try:
            check_cron(text, day_or=day_or)
        except ValueError:
            continue
        start = datetime(2026, 1, 1, tzinfo=UTC)
        found = list(islice(cron_times(text, ZoneInfo("Europe/Berlin"), start, day_or=day_or), 3))
        assert found == sorted(set(found)), text

"""Equal steps: of time that has passed below a day, of time on the wall from a day on."""

from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from antiphon_server.domain.schedules.interval import interval_times
from jumps import ZONES, jumps, on_wall, utc

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


@pytest.mark.parametrize("name", ZONES)
def test_below_a_day_every_step_is_of_one_length(name: str) -> None:
    zone = ZoneInfo(name)
    for jump in jumps(zone, 2024, 2027):
        for minutes in (7, 60, 720):
            step = timedelta(minutes=minutes)
            for anchor in (jump - 400 * step, jump + 400 * step, jump):
                found = list(islice(interval_times(step, anchor, zone, jump - 3 * step), 6))
                assert found[0] > jump - 3 * step
                assert all(b - a == step for a, b in pairwise(found))
                assert (found[0] - anchor) % step == timedelta(0)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("days", [1, 1.5, 7])
def test_from_a_day_on_the_wall_shows_the_same_time(name: str, days: float) -> None:
    """By reasoning of its own: the wall times are counted from the anchor, and each is looked for minute by minute."""
    zone, step = ZoneInfo(name), days * DAY
    for jump in jumps(zone, 2024, 2027):
        anchor = jump - 8 * step - timedelta(minutes=30)
        wall = anchor.astimezone(zone).replace(tzinfo=None)
        found = list(islice(interval_times(step, anchor, zone, anchor), 12))
        for number, moment in enumerate(found, start=1):
            wanted, shown = wall + number * step, moment.astimezone(zone).replace(tzinfo=None)
            if shown == wanted:
                assert (moment - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None) != wanted, "the first one"
            else:  # Skipped: as long after the jump as it would have been after it had the clock not jumped.
                around = [(moment + minutes * timedelta(minutes=1)).astimezone(zone) for minutes in range(-180, 180)]
                assert wanted not in [each.replace(tzinfo=None) for each in around]
                assert timedelta(0) < shown - wanted <= timedelta(hours=2)
        # Wherever one begins to look, the times are the same.
        for place, moment in enumerate(found[:-1]):
            assert next(interval_times(step, anchor, zone, moment)) == found[place + 1]
            assert next(interval_times(step, anchor, zone, moment - timedelta(minutes=1))) == moment


def test_a_skipped_time_and_one_that_comes_twice() -> None:
    anchor = utc("2026-01-01T01:30")  # 2:30 on the wall.
    assert on_wall(interval_times(DAY, anchor, BERLIN, utc("2026-03-28T12:00")), BERLIN, 2) == [
        "03-29 03:30+02:00",
        "03-30 02:30+02:00",
    ]
    assert on_wall(interval_times(DAY, anchor, BERLIN, utc("2026-10-24T12:00")), BERLIN, 2) == [
        "10-25 02:30+02:00",
        "10-26 02:30+01:00",
    ]
    # Within the hour behind the jump it is still to come.
    assert on_wall(interval_times(DAY, anchor, BERLIN, utc("2026-03-29T01:10")), BERLIN, 1) == ["03-29 03:30+02:00"]


def test_a_day_that_a_zone_skips_is_not_told_twice() -> None:
    zone = ZoneInfo("Pacific/Apia")
    found = interval_times(DAY, datetime(2011, 12, 1, 6, tzinfo=zone), zone, utc("2011-12-29T00:00"))
    assert on_wall(found, zone, 3) == ["12-29 06:00-10:00", "12-31 06:00+14:00", "01-01 06:00+14:00"]


def test_times_before_the_anchor_count_too() -> None:
    found = interval_times(timedelta(hours=6), utc("2030-01-01T01:00"), BERLIN, utc("2026-01-01T00:00"))
    assert next(found) == utc("2026-01-01T01:00")

"""Wall times and moments where clocks jump."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from antiphon_server.domain.schedules import local_time
from jumps import ZONES, jumps, utc

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_time_that_is_skipped_shown_once_or_shown_twice() -> None:
    skipped, once, twice = datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 30, 2, 30), datetime(2026, 10, 25, 2, 30)
    assert local_time.both(skipped, BERLIN) == ()
    assert local_time.both(once, BERLIN) == (utc("2026-03-30T00:30"),)
    assert local_time.both(twice, BERLIN) == (utc("2026-10-25T00:30"), utc("2026-10-25T01:30"))
    assert local_time.first(skipped, BERLIN) == utc("2026-03-29T01:30")
    assert local_time.not_before(skipped, BERLIN) == utc("2026-03-29T01:00")
    assert local_time.first(twice, BERLIN) == local_time.not_before(twice, BERLIN) == utc("2026-10-25T00:30")


@pytest.mark.parametrize("name", [*ZONES, "Australia/Lord_Howe"])
def test_every_minute_around_a_jump_is_found_again(name: str) -> None:
    zone = ZoneInfo(name)
    for jump in jumps(zone, 2024, 2026):
        for minute in range(-180, 180):
            moment = jump + timedelta(minutes=minute)
            assert moment in local_time.both(local_time.wall(moment, zone), zone)


def test_how_far_the_clock_jumps_nearby() -> None:
    hour, nothing = timedelta(hours=1), timedelta(0)
    back, forward = utc("2026-10-25T01:00"), utc("2026-03-29T01:00")
    ahead = [local_time.fold_ahead(back + timedelta(hours=hours), BERLIN) for hours in (-25, -23, -1, 0, 5)]
    assert ahead == [nothing, hour, hour, nothing, nothing]
    behind = [local_time.gap_behind(forward + timedelta(hours=hours), BERLIN) for hours in (-1, 0, 23, 24, 25)]
    assert behind == [nothing, hour, hour, nothing, nothing]
    assert local_time.gap_behind(back, BERLIN) == local_time.fold_ahead(forward - hour, BERLIN) == nothing


def test_what_is_skipped_takes_its_place_among_what_follows() -> None:
    times = [datetime(2026, 3, 29, hour, minute) for hour, minute in ((1, 30), (2, 10), (2, 45), (3, 15), (3, 45))]
    found = [each.astimezone(BERLIN).strftime("%H:%M") for each in local_time.firsts(times, BERLIN)]
    assert found == ["01:30", "03:10", "03:15", "03:45", "03:45"]
    assert len(list(local_time.rising(local_time.firsts(times, BERLIN), utc("2026-03-29T00:30")))) == 3

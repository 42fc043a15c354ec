"""Rules of each kind in their time zones."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from antiphon_server.domain.schedules.kinds import RuleKind
from antiphon_server.domain.schedules.timing import Timing
from antiphon_server.domain.schedules.zones import zone
from jumps import utc

RULES = (
    Timing(RuleKind.CRON, zone("Asia/Tokyo"), "*/5 * * * *"),
    Timing(RuleKind.CRON, zone("America/New_York"), "0 6 1 * *"),
    Timing(RuleKind.INTERVAL, zone("Asia/Tokyo"), interval=timedelta(seconds=1)),
    Timing(RuleKind.INTERVAL, zone("America/New_York"), interval=timedelta(days=3650)),
    Timing(RuleKind.RECURRENCE, zone("Pacific/Auckland"), "FREQ=MONTHLY"),
)


@pytest.mark.parametrize("timing", RULES, ids=lambda timing: f"{timing.kind.name} {timing.zone}")
def test_at_the_ends_of_time_they_begin_and_end(timing: Timing) -> None:
    timing.check()
    assert next(timing.after(utc("0001-01-01T00:00"))).year in (1900, 1909, 1910, 2019)
    assert list(timing.after(datetime.max.replace(tzinfo=UTC))) == []
    for moment in timing.after(utc("2199-12-31T23:59")):
        assert moment.year < 2200


def test_an_interval_without_an_anchor_counts_from_2020_in_its_zone() -> None:
    timing = Timing(RuleKind.INTERVAL, zone("Europe/Berlin"), interval=timedelta(days=7))
    assert [f"{each:%Y-%m-%d %H:%M}" for each in islice(timing.after(utc("2020-01-01T00:00")), 1)] == [
        "2020-01-07 23:00"
    ]


@pytest.mark.parametrize("year", [1, 1899, 2200, 9999])
def test_an_anchor_far_away_is_refused(year: int) -> None:
    timing = Timing(RuleKind.INTERVAL, zone(""), interval=timedelta(days=1), anchor=datetime(year, 6, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="its anchor_time must be in the years 1900 to 2199"):
        timing.check()


@pytest.mark.parametrize(
    "name", ["Europe/Nowhere", "../../etc/passwd", "Europe", "CEST+99", "\0", "x" * 300, "/etc/hosts"]
)
def test_a_zone_that_is_not_there(name: str) -> None:
    with pytest.raises(ValueError, match=r"the IANA database has no time zone .*; write one like Europe/Berlin"):
        zone(name)


def test_no_zone_is_utc() -> None:
    assert zone("").key == zone("UTC").key == "UTC"

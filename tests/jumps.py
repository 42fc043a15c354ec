"""Where wall clocks jump: the changes of twenty time zones in ten years."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Chicago",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Tehran",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Auckland",
    "Pacific/Chatham",
)
HOUR = timedelta(hours=1)


def jumps(zone: ZoneInfo, first_year: int = 2020, last_year: int = 2030) -> list[datetime]:
    """The full hours in UTC behind the changes of a zone's offset."""
    return [each for each in _jumps(zone) if first_year <= each.year < last_year]


@cache
def _jumps(zone: ZoneInfo) -> list[datetime]:
    return list(_walked(zone))


def _walked(zone: ZoneInfo, first_year: int = 2020, last_year: int = 2030) -> Iterator[datetime]:
    time, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year, 1, 1, tzinfo=UTC)
    offset = time.astimezone(zone).utcoffset()
    while time < end:
        time += HOUR
        later = time.astimezone(zone).utcoffset()
        if later != offset:
            yield time
            offset = later


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on_wall(moments: Iterator[datetime], zone: ZoneInfo, count: int) -> list[str]:
    """The first of some moments as the wall shows them, such as `03-29 03:00+02:00`."""
    found = [next(moments) for _ in range(count)]
    return [each.astimezone(zone).isoformat(" ", "minutes")[5:] for each in found]

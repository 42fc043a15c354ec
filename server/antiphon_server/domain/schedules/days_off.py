"""Calendars: days on which nothing fires."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

#: For days of every year: it has a 29 February.
_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Single days, days of every year as (month, day), and days of every week: 1 for Monday to 7 for Sunday."""

    name: str
    dates: frozenset[date]
    yearly: frozenset[tuple[int, int]]
    weekdays: frozenset[int]

    def has(self, day: date) -> bool:
        return day in self.dates or (day.month, day.day) in self.yearly or day.isoweekday() in self.weekdays


def days_off(name: str, days: Iterable[str], weekdays: Iterable[int]) -> DaysOff:
    """From days as `2026-12-25`, or `12-25` for every year. Raises ValueError for one that is not there."""
    dates, yearly = set(), set()
    for text in days:
        parts = [int(part) for part in text.split("-")]
        try:
            if len(parts) == 2:
                yearly.add((date(_LEAP_YEAR, *parts).month, parts[1]))
            else:
                dates.add(date(*parts))
        except ValueError:
            raise ValueError(f"there is no day {text}") from None
    return DaysOff(name, frozenset(dates), frozenset(yearly), frozenset(weekdays))

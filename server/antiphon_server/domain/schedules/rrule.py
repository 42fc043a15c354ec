"""Recurrence rules of RFC 5545, expanded by dateutil on the clock on the wall."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule as recurrence

from antiphon_server.domain.schedules import local_time
from antiphon_server.domain.schedules.local_time import FIRST_YEAR, LAST_YEAR, START

#: Bounds that keep dateutil, which walks step by step, from walking for long. What COUNT asks for is counted from the
#: start whenever the rule is expanded.
MOST_COUNTED, LONGEST_INTERVAL, MOST_RULES, MOST_A_DAY = 1_000, 100_000, 10, 300
#: A rule that names no time within so long is taken to be over.
HORIZON = timedelta(days=3660)
#: Steps that are of one length on the wall, so that a rule can be started later without changing what it says.
_STEPS = {
    recurrence.WEEKLY: timedelta(weeks=1),
    recurrence.DAILY: timedelta(days=1),
    recurrence.HOURLY: timedelta(hours=1),
    recurrence.MINUTELY: timedelta(minutes=1),
    recurrence.SECONDLY: timedelta(seconds=1),
}
#: Days and weekdays are the same again after so many years.
_CYCLE = 400
_UTC_TIME = re.compile(r"\b(\d{8}T\d{6})Z\b")
#: What may leave months of seconds without a time.
_OF_YEARS = ("_bymonth", "_bymonthday", "_bynmonthday", "_byyearday", "_byweekno", "_byeaster")


def check_rrule(text: str, zone: ZoneInfo) -> None:
    """Raises ValueError, with a sentence for the person who wrote the rule."""
    if "TZID" in text.upper():
        raise ValueError("it has a TZID; say the time zone in time_zone, and times of the rule without one")
    if "EXRULE" in text.upper():
        raise ValueError("it has an EXRULE, which RFC 5545 has given up; say EXDATE, or exclude a calendar")
    try:
        parsed = _parsed(text, zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"RFC 5545, section 3.8.5, has no such rule ({error}); write one like FREQ=DAILY") from None
    rules = _rules(parsed)
    if len(rules) > MOST_RULES:
        raise ValueError(f"it has {len(rules)} RRULEs; {MOST_RULES} are possible")
    if not rules and not parsed._rdate:
        raise ValueError("it says only when not to fire; add a line like RRULE:FREQ=DAILY")
    for rule in rules:
        _check_one(rule)


def _check_one(rule: Any) -> None:
    if not 1 <= rule._interval <= LONGEST_INTERVAL:
        raise ValueError(f"INTERVAL must be from 1 to {LONGEST_INTERVAL}")
    if rule._count is not None and not 1 <= rule._count <= MOST_COUNTED:
        raise ValueError(f"COUNT must be from 1 to {MOST_COUNTED}; say UNTIL instead")
    if not FIRST_YEAR <= rule._dtstart.year < LAST_YEAR:
        raise ValueError(f"DTSTART must be in the years {FIRST_YEAR} to {LAST_YEAR - 1}")
    if rule._freq > recurrence.DAILY and rule._bysetpos:
        raise ValueError("BYSETPOS goes with FREQ=DAILY and longer steps")
    if rule._freq > recurrence.HOURLY and any(getattr(rule, name) for name in _OF_YEARS):
        raise ValueError(
            "FREQ=MINUTELY and SECONDLY go with BYDAY and finer ones; say FREQ=DAILY with BYHOUR and so on"
        )
    if rule._freq <= recurrence.DAILY and len(rule._timeset) > MOST_A_DAY:
        raise ValueError(
            f"BYHOUR, BYMINUTE and BYSECOND name {len(rule._timeset)} times of a day and {MOST_A_DAY} are possible; "
            "say FREQ=MINUTELY or SECONDLY with an INTERVAL"
        )
    if not _names_a_time(rule):
        raise ValueError("it names no time within ten years of its start")


def _names_a_time(rule: Any) -> bool:
    """Whether it does so within the horizon. dateutil looks for one until the end of time, which is why the rule is
    taken there."""
    start = rule._dtstart
    later = start.replace(year=start.year + (datetime.max.year - 10 - start.year) // _CYCLE * _CYCLE)
    try:
        found = next(iter(rule.replace(dtstart=later, count=None, until=None)), None)
    except ValueError:  # What it says of the hours fits no step.
        return False
    return found is not None and found - later <= _until(rule, start) - start


def rrule_times(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments after `after` that a checked rule names, in order. A time that the wall shows twice is meant the
    first time; one that it skips is taken by the offset before the gap (RFC 5545, section 3.3.5)."""
    last: datetime | None = after
    while last is not None:
        after, last = last, None
        for last in _until_horizon(text, zone, after):
            yield last


def _until_horizon(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    start = local_time.wall(after, zone) - local_time.gap_behind(after, zone)
    times = _advanced(_parsed(text, zone), start).xafter(start)
    return local_time.rising(local_time.firsts(times, zone), after)


def _parsed(text: str, zone: ZoneInfo) -> Any:
    """The rule, or set of rules, in times on the wall. Raises ValueError."""

    def on_wall(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        if not FIRST_YEAR <= moment.year < LAST_YEAR:  # 99991231T235959Z has no time on the wall everywhere.
            return found[1]
        return f"{local_time.wall(moment, zone):%Y%m%dT%H%M%S}"

    return recurrence.rrulestr(_UTC_TIME.sub(on_wall, text), dtstart=START)


def _rules(parsed: Any) -> list[Any]:
    return list(parsed._rrule) if _is_set(parsed) else [parsed]


def _is_set(parsed: Any) -> bool:
    """Whether it is a dateutil.rrule.rruleset, whose parts its stubs do not know."""
    return isinstance(parsed, recurrence.rruleset)


def _until(rule: Any, start: datetime) -> datetime:
    horizon = start + HORIZON
    return horizon if rule._until is None else min(rule._until, horizon)


def _advanced(parsed: Any, start: datetime) -> Any:
    """The same rule, or set of rules, without the steps long before `start`, which dateutil would walk through one by
    one, and without those beyond the horizon, in which it would look for a time that never comes."""
    if _is_set(parsed):
        parsed._rrule = [_advanced(each, start) for each in parsed._rrule]
        return parsed
    if parsed._count is not None:
        return parsed
    begin = _later_begin(parsed, start)
    return parsed.replace(dtstart=begin, until=_until(parsed, max(start, begin)))


def _later_begin(rule: Any, start: datetime) -> datetime:
    """A start not long before `start` from which the rule says the same."""
    begin: datetime = rule._dtstart
    step = _STEPS.get(rule._freq)
    if step is not None:
        whole: timedelta = step * rule._interval
        return begin + max((start - begin) // whole - 1, 0) * whole
    # Months too are the same again after `interval` years. 29 February is in some years only.
    years = max((start.year - begin.year) // rule._interval - 1, 0) * rule._interval
    while not _has_day(begin.year + years, begin):
        years -= rule._interval
    later: datetime = begin.replace(year=begin.year + years)
    return later


def _has_day(year: int, time: datetime) -> bool:
    try:
        time.replace(year=year)
    except ValueError:
        return False
    return True

"""Recurrence rules of RFC 5545, expanded by dateutil on the clock on the wall."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule as recurrence

from antiphon_server.domain.schedules import local_time
from antiphon_server.domain.schedules.local_time import START

#: Bounds that keep dateutil, which walks step by step, from walking for long. What COUNT asks for is counted from the
#: start whenever the rule is expanded.
MOST_COUNTED, LONGEST_INTERVAL, MOST_RULES = 1_000, 100_000, 10
FIRST_YEAR, LAST_YEAR = 1900, 2200
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
_UTC_TIME = re.compile(r"\b(\d{8}T\d{6})Z\b")
#: What may leave months of seconds without a time.
_OF_YEARS = ("_bymonth", "_bymonthday", "_bynmonthday", "_byyearday", "_byweekno", "_byeaster", "_bysetpos")


def check_rrule(text: str, zone: ZoneInfo) -> None:
    """Raises ValueError, with a sentence for the person who wrote the rule."""
    if "TZID" in text.upper():
        raise ValueError("it has a TZID; say the time zone in time_zone, and times of the rule without one")
    if "EXRULE" in text.upper():
        raise ValueError("it has an EXRULE, which RFC 5545 has given up; say EXDATE, or exclude a calendar")
    try:
        rules = _rules(_parsed(text, zone))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"RFC 5545, section 3.8.5, has no such rule ({error}); write one like FREQ=DAILY") from None
    if len(rules) > MOST_RULES:
        raise ValueError(f"it has {len(rules)} RRULEs; {MOST_RULES} are possible")
    for rule in rules:
        _check_one(rule)


def _check_one(rule: Any) -> None:
    if not 1 <= rule._interval <= LONGEST_INTERVAL:
        raise ValueError(f"INTERVAL must be from 1 to {LONGEST_INTERVAL}")
    if rule._count is not None and not 1 <= rule._count <= MOST_COUNTED:
        raise ValueError(f"COUNT must be from 1 to {MOST_COUNTED}; say UNTIL instead")
    if not FIRST_YEAR <= rule._dtstart.year < LAST_YEAR:
        raise ValueError(f"DTSTART must be in the years {FIRST_YEAR} to {LAST_YEAR - 1}")
    if rule._freq in (recurrence.MINUTELY, recurrence.SECONDLY) and any(getattr(rule, name) for name in _OF_YEARS):
        raise ValueError(
            "FREQ=MINUTELY and SECONDLY go with BYDAY and finer ones; say FREQ=DAILY with BYHOUR and so on"
        )
    if next(iter(rule.replace(count=None, until=_until(rule, rule._dtstart))), None) is None:
        raise ValueError("it names no time within ten years of its start")


def rrule_times(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments after `after` that a checked rule names, in order. A time that the wall shows twice is meant the
    first time; one that it skips is taken by the offset before the gap (RFC 5545, section 3.3.5)."""
    # A skipped time is later on the clock than it says, by less than a day.
    start = local_time.wall(after, zone) - timedelta(days=1)
    last = after
    for time in _advanced(_parsed(text, zone), start).xafter(start):
        moment = local_time.first(time, zone)
        if moment > last:
            yield moment
            last = moment


def _parsed(text: str, zone: ZoneInfo) -> Any:
    """The rule, or set of rules, in times on the wall. Raises ValueError."""

    def on_wall(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
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
    step = _STEPS.get(parsed._freq)
    begin = parsed._dtstart
    if step is not None:
        whole = step * parsed._interval
        begin += max((start - begin) // whole - 1, 0) * whole
    return parsed.replace(dtstart=begin, until=_until(parsed, max(start, begin)))

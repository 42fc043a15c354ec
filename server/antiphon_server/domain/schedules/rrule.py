"""Recurrence rules of RFC 5545, expanded by dateutil on the clock on the wall."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule as recurrence

from antiphon_server.domain.schedules import local_time

#: Where a rule says no DTSTART it counts from here, as in Prefect.
START = datetime(2020, 1, 1)  # noqa: DTZ001 - a time on the wall
#: Characters of a rule, and times that COUNT may ask for: it is counted from the start whenever the rule is expanded.
LONGEST, MOST_COUNTED = 6_500, 10_000
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


def check_rrule(text: str, zone: ZoneInfo) -> None:
    """Raises ValueError, with a sentence for the person who wrote the rule."""
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, more than {LONGEST}")
    if "TZID" in text.upper():
        raise ValueError("it has a TZID; say the time zone in time_zone, and times of the rule without one")
    for rule in _rules(_parsed(text, zone)):
        if rule._interval < 1:
            raise ValueError("INTERVAL must be 1 or more")
        if rule._count is not None and rule._count > MOST_COUNTED:
            raise ValueError(f"COUNT must be {MOST_COUNTED} at most; say UNTIL instead")
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
    return [*parsed._rrule, *parsed._exrule] if isinstance(parsed, recurrence.rruleset) else [parsed]


def _until(rule: Any, start: datetime) -> datetime:
    horizon = start + HORIZON
    return horizon if rule._until is None else min(rule._until, horizon)


def _advanced(parsed: Any, start: datetime) -> Any:
    """The same rule, or set of rules, without the steps long before `start`, which dateutil would walk through one by
    one, and without those beyond the horizon, in which it would look for a time that never comes."""
    if isinstance(parsed, recurrence.rruleset):
        parsed._rrule = [_advanced(each, start) for each in parsed._rrule]
        parsed._exrule = [_advanced(each, start) for each in parsed._exrule]
        return parsed
    if parsed._count is not None:
        return parsed
    step = _STEPS.get(parsed._freq)
    begin = parsed._dtstart
    if step is not None:
        whole = step * parsed._interval
        begin += max((start - begin) // whole - 1, 0) * whole
    return parsed.replace(dtstart=begin, until=_until(parsed, max(start, begin)))

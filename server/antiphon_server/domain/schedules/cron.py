"""Cron expressions. croniter says which wall times fit; what the wall clock's jumps do to them is decided here.

It is what Debian's cron(8) does. An expression whose minute or hour begins with `*` follows the clock: it fires at each
moment at which the wall shows a time that fits, so twice in a fold and not in a gap. Any other is meant once each day
at its times: once in a fold, at the first moment, and at the moment of the jump where its time is skipped.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from antiphon_server.domain.schedules import local_time

#: An expression that fits no time within so many years is taken to be over.
MOST_YEARS = 10


def cron_times(expression: str, zone: ZoneInfo, after: datetime, *, day_or: bool) -> Iterator[datetime]:
    """The moments after `after` at which a valid expression fires, in order."""
    follows_clock = _follows_clock(expression)
    start = local_time.wall(after, zone)
    if follows_clock:
        start -= local_time.fold_ahead(after, zone)
    times = _wall_times(expression, start, day_or)
    moments = _each_moment(times, zone) if follows_clock else _once(times, zone)
    return (each for each in moments if each > after)


def _follows_clock(expression: str) -> bool:
    if expression.startswith("@"):
        return expression.lower() == "@hourly"
    return any(field.startswith("*") for field in expression.split()[:2])


def _wall_times(expression: str, start: datetime, day_or: bool) -> Iterator[datetime]:
    found = croniter(expression, start, day_or=day_or, max_years_between_matches=MOST_YEARS)
    try:
        yield from found.all_next(datetime)
    except CroniterBadDateError:
        return


def _once(times: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    last: datetime | None = None
    for time in times:
        moment = local_time.not_before(time, zone)
        if moment != last:  # Several times of one gap are one moment.
            yield moment
        last = moment


def _each_moment(times: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    second_time: deque[datetime] = deque()
    for time in times:
        for moment in local_time.both(time, zone)[:1]:
            while second_time and second_time[0] < moment:
                yield second_time.popleft()
            yield moment
        second_time.extend(local_time.both(time, zone)[1:])
    yield from second_time

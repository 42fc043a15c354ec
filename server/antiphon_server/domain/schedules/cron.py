"""Cron expressions. croniter says which wall times fit; what the wall clock's jumps do to them is decided here.

It is what Debian's cron(8) does. An expression whose minute or hour begins with `*` follows the clock: it fires at each
moment at which the wall shows a time that fits, so twice in a fold and not in a gap. Any other is meant once each day
at its times: once in a fold, at the first moment, and at the moment of the jump where its time is skipped.
"""

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

from antiphon_server.domain.schedules import local_time
from antiphon_server.domain.schedules.local_time import START

#: An expression that fits no time within so many years is taken to be over.
MOST_YEARS = 10
_FIELDS = (
    "minute (0 to 59)",
    "hour (0 to 23)",
    "day of the month (1 to 31)",
    "month (1 to 12)",
    "day of the week (0 to 7, or sun to sat)",
    "second (0 to 59)",
)
#: Fields whose value is drawn from a name or by chance.
_DRAWN = re.compile(r"(?i)^[hr](\(|/|$)")


def check_cron(expression: str, *, day_or: bool) -> None:
    """Raises ValueError, with a sentence for the person who wrote the expression."""
    fields = expression.split()
    if expression.startswith("@"):
        if not croniter.is_valid(expression):
            raise ValueError("it is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually")
    elif len(fields) not in (5, 6):
        raise ValueError(f"it has {len(fields)} fields and not 5, or 6 with seconds: minute hour day month weekday")
    for place, field in enumerate(fields):
        if not expression.startswith("@"):
            _check_field(place, field)
    # Only now, since what it says of a wrong field is for programmers.
    try:
        found = croniter(expression, START, day_or=day_or, max_years_between_matches=MOST_YEARS)
        found.get_next(datetime)
    except CroniterBadDateError:
        raise ValueError(f"no day fits it within {MOST_YEARS} years; is there such a day in that month?") from None
    except CroniterError as error:
        raise ValueError(str(error)) from None


def _check_field(place: int, field: str) -> None:
    if _DRAWN.match(field):
        raise ValueError(f"{field!r} asks for a random or hashed {_FIELDS[place]}; write the value, or use jitter")
    alone = ["*"] * max(place + 1, 5)
    alone[place] = field
    if not croniter.is_valid(" ".join(alone)):
        raise ValueError(f"{field!r} is no {_FIELDS[place]}")


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

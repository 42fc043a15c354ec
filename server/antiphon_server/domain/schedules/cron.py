"""Cron expressions. croniter says which wall times fit; what the wall clock's jumps do to them is decided here.

It is what Debian's cron(8) does. An expression whose minute or hour begins with `*` follows the clock: it fires at each
moment at which the wall shows a time that fits, so twice in a fold and not in a gap. Any other is meant once each day
at its times: once in a fold, at the first moment, and at the moment of the jump where its time is skipped.
"""

import re
from collections.abc import Iterator
from copy import copy
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

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
    word = expression.startswith("@")
    if not word and len(fields) not in (5, 6):
        raise ValueError(f"it has {len(fields)} fields and not 5, or 6 with seconds: minute hour day month weekday")
    for place, field in enumerate(() if word else fields):
        if any(map(_DRAWN.match, field.split(","))):
            raise ValueError(f"{field!r} asks for a random or hashed {_FIELDS[place]}; write the value, or use jitter")
    try:
        _found(expression, START, day_or).get_next(datetime)
    except CroniterBadDateError:
        raise ValueError(f"no day fits it within {MOST_YEARS} years; is there such a day in that month?") from None
    except ValueError as error:
        if word:
            words = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"
            raise ValueError(f"it is none of {words}") from None
        # What croniter says of a wrong field is for programmers.
        raise ValueError(_wrong_field(fields) or str(error)) from None


def _wrong_field(fields: list[str]) -> str:
    """What is wrong with the first field that means nothing alone; empty where all do."""
    for place, field in enumerate(fields):
        alone = ["*"] * max(place + 1, 5)
        alone[place] = field
        if not croniter.is_valid(" ".join(alone)):
            return f"{field!r} is no {_FIELDS[place]}"
    return ""


def cron_times(expression: str, zone: ZoneInfo, after: datetime, *, day_or: bool) -> Iterator[datetime]:
    """The moments after `after` at which a valid expression fires, in order."""
    start = local_time.wall(after, zone)
    if _follows_clock(expression):
        times = _wall_times(expression, start - local_time.fold_ahead(after, zone), day_or)
        return local_time.rising(local_time.all_of(times, zone), after)
    times = _wall_times(expression, start, day_or)
    return local_time.rising((local_time.not_before(time, zone) for time in times), after)


def _follows_clock(expression: str) -> bool:
    if expression.startswith("@"):
        return expression.lower() == "@hourly"
    return any(field.startswith("*") for field in expression.split()[:2])


def _wall_times(expression: str, start: datetime, day_or: bool) -> Iterator[datetime]:
    found = _found(expression, start, day_or)
    try:
        yield from found.all_next(datetime)
    except CroniterBadDateError:
        return


def _found(expression: str, start: datetime, day_or: bool) -> croniter:
    """What finds the times after `start`. Raises ValueError."""
    found = copy(_parsed(expression, day_or))
    found.set_current(start)
    return found


@lru_cache(maxsize=4096)
def _parsed(expression: str, day_or: bool) -> croniter:
    """To be copied, since it moves. Schedules are planned again and again, and to read one costs more than a time."""
    return croniter(expression, START, day_or=day_or, max_years_between_matches=MOST_YEARS)

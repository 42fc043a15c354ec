"""From the clock on the wall to moments, where the wall clock jumps.

A wall time that a zone skips (the gap in spring) or shows twice (the fold in autumn) is what makes schedules wrong.
Here a wall time is a naive datetime and a moment an aware one in UTC.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
#: Where rules begin to count that say nothing else, as in Prefect.
START = datetime(2020, 1, 1)


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def first(time: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the wall shows `time`, the first of two; for one that is skipped the offset before the gap
    holds, so that 2:30 becomes 3:30 (RFC 5545, section 3.3.5, form 3)."""
    return time.replace(tzinfo=zone, fold=0).astimezone(UTC)


def both(time: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Each moment at which the wall shows `time`, in order: none, one or two."""
    moments = (first(time, zone), time.replace(tzinfo=zone, fold=1).astimezone(UTC))
    return tuple(sorted({each for each in moments if wall(each, zone) == time}))


def not_before(time: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall shows `time` or, where that is skipped, the moment of the jump."""
    moment = first(time, zone)
    if wall(moment, zone) == time:
        return moment
    return _jump(time.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def fold_ahead(moment: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the wall clock is put back within a day from `moment`; 0 where it is not."""
    later = moment + timedelta(days=1)
    back = (wall(moment, zone) - moment.replace(tzinfo=None)) - (wall(later, zone) - later.replace(tzinfo=None))
    return max(back, timedelta(0))


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the offset changes, to the second, between two moments around one change."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after

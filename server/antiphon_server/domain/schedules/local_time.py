"""From the clock on the wall to moments, where the wall clock jumps.

A wall time that a zone skips (the gap in spring) or shows twice (the fold in autumn) is what makes schedules wrong.
Here a wall time is a naive datetime and a moment an aware one in UTC.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND, _DAY, _NOTHING = timedelta(seconds=1), timedelta(days=1), timedelta(0)
#: Where rules begin to count that say nothing else, as in Prefect.
START = datetime(2020, 1, 1)
#: Rules are looked at from the one year until the other.
FIRST_YEAR, LAST_YEAR = 1900, 2200


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


def firsts(times: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments that `first` gives for wall times in order, in order: that of a skipped time may lie behind those of
    later times, and be one of them."""
    return _merged((((), (at,)) if wall(at := first(time, zone), zone) != time else ((at,), ())) for time in times)


def all_of(times: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments that `both` gives for wall times in order, in order."""
    return _merged((moments[:1], moments[1:]) for moments in (both(time, zone) for time in times))


def rising(moments: Iterable[datetime], after: datetime) -> Iterator[datetime]:
    """Those that are later than `after` and than all before them."""
    for moment in moments:
        if moment > after:
            yield moment
            after = moment


def fold_ahead(moment: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the wall clock is put back within a day from `moment`; 0 where it is not."""
    return max(_offset(moment, zone) - _offset(moment + _DAY, zone), _NOTHING)


def gap_behind(moment: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the wall clock was put forward within a day before `moment`; 0 where it was not."""
    return max(_offset(moment, zone) - _offset(moment - _DAY, zone), _NOTHING)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return wall(moment, zone) - moment.replace(tzinfo=None)


def _merged(found: Iterable[tuple[Sequence[datetime], Sequence[datetime]]]) -> Iterator[datetime]:
    """Moments that come at once, and those between them that come later; each of the two kinds is in order."""
    late: deque[datetime] = deque()
    for at_once, later in found:
        for moment in at_once:
            while late and late[0] < moment:
                yield late.popleft()
            yield moment
        late.extend(later)
    yield from late


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

"""Equal steps from an anchor."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from antiphon_server.domain.schedules import local_time

#: Steps of a day and more keep the time on the wall; shorter ones are time that has passed.
_DAY = timedelta(days=1)


def interval_times(interval: timedelta, anchor: datetime, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments after `after` that lie a whole number of `interval`s from `anchor`, before it too, in order."""
    if interval < _DAY:
        anchor = anchor.astimezone(UTC)
        return (anchor + number * interval for number in count((after - anchor) // interval + 1))
    start = local_time.wall(anchor, zone)
    behind = local_time.wall(after, zone) - local_time.gap_behind(after, zone)
    steps = count((behind - start) // interval)
    return local_time.rising(local_time.firsts((start + number * interval for number in steps), zone), after)

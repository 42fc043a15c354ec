"""The times of one schedule in microseconds, with its days off and its jitter."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from antiphon_server.domain.schedules import local_time
from antiphon_server.domain.schedules.days_off import DaysOff
from antiphon_server.domain.schedules.timing import EARLIEST, LATEST, Timing

#: A schedule is taken to be over where its times fall on so many days off in a row.
MOST_DAYS_OFF = 1_000
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def micros_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def start_of(time: int, jitter: int, schedule_id: str) -> int:
    """When the run of a time is to start: put off by less than the jitter, by the same whenever it is asked."""
    if jitter == 0:
        return time
    drawn = hashlib.blake2b(f"{schedule_id} {time}".encode(), digest_size=8).digest()
    return time + int.from_bytes(drawn) % jitter


_EARLIEST, _LATEST = micros_of(EARLIEST), micros_of(LATEST)


@dataclass(frozen=True, slots=True)
class Series:
    """A time of it is one without jitter, unless it is called a start. All raise ValueError, or OverflowError, for a
    rule that was not checked."""

    timing: Timing
    calendars: Sequence[DaysOff] = ()
    jitter: int = 0
    #: The schedule, for its jitter.
    id: str = ""

    def after(self, time: int) -> Iterator[int]:
        """The times after `time` that are on no day off, in order."""
        after, days = moment_of(min(max(time, _EARLIEST), _LATEST)), 0
        while days < MOST_DAYS_OFF:
            for moment in self.timing.after(after):
                if self.excluded_by(moment) is not None:
                    # Not time by time: there may be thousands in a day.
                    after = max(self._end_of_day(moment) - _MICROSECOND, moment)
                    days += 1
                    break
                days = 0
                yield micros_of(moment)
            else:
                return

    def start(self, time: int) -> int:
        """When the run of a time is to start."""
        return start_of(time, self.jitter, self.id)

    def excluded_by(self, moment: datetime) -> DaysOff | None:
        """The calendar on whose days a moment is, on the wall of the schedule's time zone."""
        if not self.calendars:
            return None
        day = local_time.wall(moment, self.timing.zone).date()
        return next((calendar for calendar in self.calendars if calendar.has(day)), None)

    def _end_of_day(self, moment: datetime) -> datetime:
        day = local_time.wall(moment, self.timing.zone).date()
        return local_time.first(datetime.combine(day + _DAY, datetime.min.time()), self.timing.zone)

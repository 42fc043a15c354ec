"""One rule of any kind in its time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from antiphon_server.domain.schedules import local_time
from antiphon_server.domain.schedules.cron import check_cron, cron_times
from antiphon_server.domain.schedules.interval import interval_times
from antiphon_server.domain.schedules.kinds import RuleKind
from antiphon_server.domain.schedules.local_time import FIRST_YEAR, LAST_YEAR
from antiphon_server.domain.schedules.rrule import check_rrule, rrule_times

#: Nothing fires before and after these, so that no sum leaves what a datetime can say.
EARLIEST, LATEST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """`text` is a cron expression or a recurrence rule. An interval has `interval` and may have an anchor, in UTC."""

    kind: RuleKind
    zone: ZoneInfo
    text: str = ""
    day_and: bool = False
    interval: timedelta = timedelta(0)
    anchor: datetime | None = None

    def check(self) -> None:
        """Raises ValueError, with a sentence for the person who wrote the rule."""
        if self.kind is RuleKind.CRON:
            check_cron(self.text, day_or=not self.day_and)
        elif self.kind is RuleKind.RECURRENCE:
            check_rrule(self.text, self.zone)
        elif self.anchor is not None and not EARLIEST <= self.anchor < LATEST:
            raise ValueError(f"its anchor_time must be in the years {FIRST_YEAR} to {LAST_YEAR - 1}")

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times after `moment` at which the rule, which was checked, fires: in UTC, in order."""
        return takewhile(lambda time: time < LATEST, self._all_after(max(moment, EARLIEST)))

    def _all_after(self, moment: datetime) -> Iterator[datetime]:
        if moment >= LATEST:
            return iter(())
        if self.kind is RuleKind.CRON:
            return cron_times(self.text, self.zone, moment, day_or=not self.day_and)
        if self.kind is RuleKind.RECURRENCE:
            return rrule_times(self.text, self.zone, moment)
        anchor = self.anchor if self.anchor is not None else local_time.first(local_time.START, self.zone)
        return interval_times(self.interval, anchor.astimezone(UTC), self.zone, moment)

"""When a deployment runs by itself: a schedule's rule. Deployments of a program have `antiphon.schedules`."""

from datetime import datetime, timedelta
from typing import Any, TypeAlias

from pydantic import model_validator

from antiphon.client.schemas.bases import AntiphonBaseModel
from antiphon.schedules import Schedule

__all__ = [
    "SCHEDULE_TYPES",
    "CronSchedule",
    "IntervalSchedule",
    "RRuleSchedule",
    "construct_schedule",
    "is_schedule_type",
]


class _Rule(AntiphonBaseModel):
    """Raises ValidationError for what can be no schedule; the server looks at the rule itself when it is sent."""

    @model_validator(mode="after")
    def _checked(self) -> Any:
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """The same as programs say it."""
        return Schedule(**{name: getattr(self, name) for name in type(self).model_fields})


class CronSchedule(_Rule):
    """At the times that fit an expression of cron, such as `0 3 * * MON`."""

    cron: str
    #: A name such as `Europe/Berlin`; None is UTC.
    timezone: str | None = None
    #: Whether a day that fits either the day of the month or the day of the week will do, or must fit both.
    day_or: bool = True


class IntervalSchedule(_Rule):
    """In equal steps."""

    interval: timedelta
    #: One of the times, past or to come. None takes the beginning of 2020 in the time zone.
    anchor_date: datetime | None = None
    timezone: str | None = None


class RRuleSchedule(_Rule):
    """At the times of a recurrence rule (RFC 5545), such as `FREQ=MONTHLY;BYDAY=-1FR`."""

    rrule: str
    timezone: str | None = "UTC"


SCHEDULE_TYPES: TypeAlias = CronSchedule | IntervalSchedule | RRuleSchedule


def is_schedule_type(obj: Any) -> bool:
    """Return whether something is a schedule of this module."""
    return isinstance(obj, CronSchedule | IntervalSchedule | RRuleSchedule)


def construct_schedule(
    interval: int | float | timedelta | None = None,
    anchor_date: datetime | None = None,
    cron: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
) -> SCHEDULE_TYPES:
    """Return the schedule of one of `interval` (in seconds, or a timedelta), `cron` and `rrule`.

    Raises ValueError for none or several of them, and for what can be no schedule.
    """
    span = timedelta(seconds=interval) if isinstance(interval, int | float) else interval
    # It refuses what makes no sense together.
    Schedule(interval=span, anchor_date=anchor_date, cron=cron, rrule=rrule, timezone=timezone)
    if cron is not None:
        return CronSchedule(cron=cron, timezone=timezone)
    if rrule is not None:
        return RRuleSchedule(rrule=rrule, timezone=timezone)
    return IntervalSchedule.model_validate({"interval": span, "anchor_date": anchor_date, "timezone": timezone})

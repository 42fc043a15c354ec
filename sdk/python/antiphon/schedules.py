"""When a deployment runs by itself.

from antiphon.schedules import Cron

my_flow.to_deployment("nightly", schedules=[Cron("0 3 * * *", timezone="Europe/Berlin", catch_up="all")])
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from antiphon.close_names import meant

__all__ = ["CatchUp", "Cron", "Interval", "Overlap", "RRule", "Schedule"]

#: What becomes of times that pass while no server runs: passed over, the last one run, or all of them.
CatchUp: TypeAlias = Literal["skip", "latest", "all"]
#: What becomes of a run that would begin while another of the same schedule is under way: it runs beside that, waits
#: for its end, is cancelled, or has the other cancelled.
Overlap: TypeAlias = Literal["allow", "enqueue", "skip", "cancel_other"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "catch_up": ("skip", "latest", "all"),
    "overlap": ("allow", "enqueue", "skip", "cancel_other"),
}
#: Limits of the contract.
_LONGEST_JITTER = timedelta(days=1)
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = timedelta(seconds=1), timedelta(seconds=315_360_000)
_MOST_RUNS = 100


@dataclass(frozen=True)
class Schedule:
    """One schedule: exactly one of `interval`, `cron` and `rrule` says when. `Cron`, `Interval` and `RRule` make it.

    Raises ValueError or TypeError for what cannot be; the server looks at the rule itself when it is deployed.
    """

    interval: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    #: A name such as `Europe/Berlin`; None is UTC.
    timezone: str | None = None
    #: For intervals: one of the times, past or to come. None takes the beginning of 2020 in the time zone.
    anchor_date: datetime | None = None
    #: For cron: whether a day that fits either the day of the month or the day of the week will do, or must fit both.
    day_or: bool = True
    active: bool = True
    #: Arguments of its runs that differ from the deployment's.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: Its name among the schedules of the deployment.
    slug: str | None = None
    #: Each run is put off by a random time below this, up to a day.
    jitter: timedelta | None = None
    #: None leaves it to the server, which takes `latest`.
    catch_up: CatchUp | None = None
    #: None leaves it to the server, which takes `allow`.
    overlap: Overlap | None = None
    #: Names of calendars on whose days it does not fire.
    excluded_calendars: Sequence[str] = ()
    #: How many runs may be planned ahead, 1 to 100; None leaves it to the server.
    max_scheduled_runs: int | None = None

    def __post_init__(self) -> None:
        rules = [name for name in ("interval", "cron", "rrule") if getattr(self, name) is not None]
        if len(rules) != 1:
            raise ValueError(
                f"A schedule has one of interval, cron and rrule, and this has {' and '.join(rules) or 'none'}."
            )
        for name in ("cron", "rrule", "slug"):
            _check_text(name, getattr(self, name))
        self._check_interval()
        _check_time_zone(self.timezone)
        self._check_more()

    def _check_interval(self) -> None:
        if self.interval is None:
            if self.anchor_date is not None:
                raise ValueError("anchor_date belongs to an interval: a cron or rrule schedule has none.")
            return
        if not _SHORTEST_INTERVAL <= self.interval <= _LONGEST_INTERVAL:
            raise ValueError(f"An interval is from one second to ten years long, and not {self.interval}.")
        if self.anchor_date is not None and not isinstance(self.anchor_date, datetime):
            raise TypeError(f"anchor_date is a datetime, not {type(self.anchor_date).__name__}: {self.anchor_date!r}.")

    def _check_more(self) -> None:
        if self.jitter is not None and not timedelta(0) <= self.jitter <= _LONGEST_JITTER:
            raise ValueError(f"jitter is from 0 to a day, and not {self.jitter}.")
        for name, choices in _CHOICES.items():
            given = getattr(self, name)
            if given is not None and given not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, and not {given!r}.")
        if self.max_scheduled_runs is not None and not 1 <= self.max_scheduled_runs <= _MOST_RUNS:
            raise ValueError(f"max_scheduled_runs is from 1 to {_MOST_RUNS}, and not {self.max_scheduled_runs}.")
        if isinstance(self.excluded_calendars, str):
            raise TypeError(f"excluded_calendars is a list of names: write [{self.excluded_calendars!r}].")
        if not isinstance(self.parameters, Mapping):
            raise TypeError(f"The parameters of a schedule are a dict, not {type(self.parameters).__name__}.")


def Cron(
    cron: str,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    *,
    jitter: "float | timedelta | None" = None,
    catch_up: CatchUp | None = None,
    overlap: Overlap | None = None,
    excluded_calendars: Sequence[str] = (),
    max_scheduled_runs: int | None = None,
) -> Schedule:
    """A schedule that fires at the times that fit an expression of cron, such as `0 3 * * MON`.

    `jitter` is in seconds. See `Schedule` for the other arguments and for what it raises.
    """
    return Schedule(
        cron=cron,
        timezone=timezone,
        day_or=day_or,
        active=active,
        parameters=parameters if parameters is not None else {},
        slug=slug,
        jitter=_span("jitter", jitter),
        catch_up=catch_up,
        overlap=overlap,
        excluded_calendars=excluded_calendars,
        max_scheduled_runs=max_scheduled_runs,
    )


def Interval(
    interval: "float | timedelta",
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    *,
    jitter: "float | timedelta | None" = None,
    catch_up: CatchUp | None = None,
    overlap: Overlap | None = None,
    excluded_calendars: Sequence[str] = (),
    max_scheduled_runs: int | None = None,
) -> Schedule:
    """A schedule that fires in equal steps, in seconds or as a timedelta; those of a day and more keep the time on the
    wall of the time zone.

    `jitter` is in seconds. See `Schedule` for the other arguments and for what it raises.
    """
    return Schedule(
        interval=_span("interval", interval),
        anchor_date=anchor_date,
        timezone=timezone,
        active=active,
        parameters=parameters if parameters is not None else {},
        slug=slug,
        jitter=_span("jitter", jitter),
        catch_up=catch_up,
        overlap=overlap,
        excluded_calendars=excluded_calendars,
        max_scheduled_runs=max_scheduled_runs,
    )


def RRule(
    rrule: str,
    timezone: str | None = None,
    active: bool = True,
    parameters: Mapping[str, Any] | None = None,
    slug: str | None = None,
    *,
    jitter: "float | timedelta | None" = None,
    catch_up: CatchUp | None = None,
    overlap: Overlap | None = None,
    excluded_calendars: Sequence[str] = (),
    max_scheduled_runs: int | None = None,
) -> Schedule:
    """A schedule that fires at the times of a recurrence rule (RFC 5545), such as `FREQ=MONTHLY;BYDAY=-1FR`.

    `jitter` is in seconds. See `Schedule` for the other arguments and for what it raises.
    """
    return Schedule(
        rrule=rrule,
        timezone=timezone,
        active=active,
        parameters=parameters if parameters is not None else {},
        slug=slug,
        jitter=_span("jitter", jitter),
        catch_up=catch_up,
        overlap=overlap,
        excluded_calendars=excluded_calendars,
        max_scheduled_runs=max_scheduled_runs,
    )


def _check_text(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} is text, not {type(value).__name__}: {value!r}.")


def _check_time_zone(name: Any) -> None:
    """The server knows the same database; here a slip is seen where it was written."""
    _check_text("timezone", name)
    if not name:
        return
    # Most programs make no schedule, and need not load the database.
    known = importlib.import_module("zoneinfo").available_timezones()
    if name in known:
        return
    like = meant(name, known)
    raise ValueError(
        f"There is no time zone {name!r}{like}. It is a name of the IANA time zone database, such as 'Europe/Berlin'."
    )


def _span(name: str, value: Any) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds or a timedelta, not {type(value).__name__}: {value!r}.")
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise ValueError(f"{name} is a number of seconds that a clock can say, and not {value}.") from None

"""What makes up a schedule, as it is typed: when it fires, and how."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from antiphon.cli.spoken_times import moment_of, span_of, to_duration, to_timestamp
from antiphon.cli.typed_values import parameters_of
from antiphon.v1.schedule_pb2 import CatchUp, CronRule, IntervalRule, Overlap, RecurrenceRule, Schedule

CronOption = Annotated[str | None, typer.Option("--cron", help="Fire as cron has it, such as '0 9 * * 1-5'.")]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="SPAN", help="Fire in equal steps: seconds, or such as '1h 30m'.")
]
RRuleOption = Annotated[
    str | None, typer.Option("--rrule", help="Fire by a recurrence rule (RFC 5545), such as FREQ=WEEKLY;BYDAY=MO.")
]
AnchorOption = Annotated[
    str | None, typer.Option("--anchor-date", metavar="TIME", help="One of the times of an --interval.")
]
DayOption = Annotated[
    bool | None,
    typer.Option(
        "--day-or/--no-day-or",
        "--day_or/--no-day_or",
        help="For --cron with days of the month and of the week: either will do, or both must fit.",
    ),
]
ZoneOption = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="Such as Europe/Berlin; UTC for none.")
]
SlugOption = Annotated[str | None, typer.Option("--slug", help="Its name among the deployment's schedules.")]
JitterOption = Annotated[
    str | None, typer.Option("--jitter", metavar="SPAN", help="Put each run off by a random time below this.")
]
CatchUpOption = Annotated[
    str | None,
    typer.Option("--catch-up", help="What becomes of times that passed without a server: skip, latest, all."),
]
OverlapOption = Annotated[
    str | None,
    typer.Option("--overlap", help="Where the run before is under way: allow, enqueue, skip, cancel-other."),
]
CalendarOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="CALENDAR", help="Not on the days of this calendar; repeatable, '' for none."),
]
MostOption = Annotated[
    int | None,
    typer.Option("--max-scheduled-runs", min=0, max=100, help="How many runs are planned ahead; 0 leaves it open."),
]


@dataclass(slots=True)
class GivenSchedule:
    """What was typed; None for what was not. Raises typer.BadParameter for what makes no sense together."""

    cron: str | None = None
    interval: str | None = None
    rrule: str | None = None
    anchor_date: str | None = None
    day_or: bool | None = None
    timezone: str | None = None
    slug: str | None = None
    jitter: str | None = None
    catch_up: str | None = None
    overlap: str | None = None
    exclude: Sequence[str] | None = None
    max_scheduled_runs: int | None = None
    param: Sequence[str] = ()
    params: str | None = None

    def __post_init__(self) -> None:
        if self.rules > 1:
            raise typer.BadParameter(
                "Give one of --cron, --interval and --rrule; for several times make several schedules."
            )
        if self.anchor_date is not None and self.interval is None:
            raise typer.BadParameter("--anchor-date belongs to --interval.")
        if self.day_or is not None and self.cron is None:
            raise typer.BadParameter("--day-or belongs to --cron.")

    @property
    def rules(self) -> int:
        """How many rules say when it fires."""
        return sum(rule is not None for rule in (self.cron, self.interval, self.rrule))

    def schedule(self) -> Schedule:
        """As the contract has it, without what was not typed."""
        made = Schedule(
            time_zone=self.timezone or "",
            slug=self.slug or "",
            excluded_calendars=[each for each in self.exclude or () if each],
        )
        self._set_rule(made)
        if self.jitter is not None:
            made.jitter.CopyFrom(to_duration(span_of(self.jitter, "--jitter")))
        made.catch_up = _choice(self.catch_up, "--catch-up", CatchUp.keys, CatchUp.Value, "CATCH_UP_")
        made.overlap = _choice(self.overlap, "--overlap", Overlap.keys, Overlap.Value, "OVERLAP_")
        made.max_scheduled_runs = self.max_scheduled_runs or 0
        parameters = parameters_of(self.param, self.params)
        if parameters is not None:
            made.parameters.CopyFrom(parameters)
        return made

    def _set_rule(self, made: Schedule) -> None:
        if self.cron is not None:
            made.cron.CopyFrom(CronRule(expression=self.cron, day_and=self.day_or is False))
        if self.interval is not None:
            rule = IntervalRule(interval=to_duration(span_of(self.interval, "--interval")))
            if self.anchor_date is not None:
                rule.anchor_time.CopyFrom(to_timestamp(anchor_of(self.anchor_date, self.timezone)))
            made.interval.CopyFrom(rule)
        if self.rrule is not None:
            made.recurrence.CopyFrom(RecurrenceRule(rule=self.rrule.replace("\\n", "\n")))

    def served(self) -> Any:
        """The antiphon.schedules.Schedule that was typed by rule, anchor and time zone; None where no rule was.

        Raises ValueError for what can be no schedule.
        """
        if not self.rules:
            if self.timezone is not None:
                raise typer.BadParameter("--timezone belongs to --cron, --interval or --rrule: give one of them.")
            return None
        return importlib.import_module("antiphon.schedules").Schedule(
            cron=self.cron,
            rrule=self.rrule,
            interval=span_of(self.interval, "--interval") if self.interval is not None else None,
            anchor_date=anchor_of(self.anchor_date, self.timezone) if self.anchor_date is not None else None,
            timezone=self.timezone,
        )

    def changed_fields(self) -> list[str]:
        """The fields of the contract that were typed."""
        typed = {
            "cron": self.cron,
            "interval": self.interval,
            "recurrence": self.rrule,
            "time_zone": self.timezone,
            "slug": self.slug,
            "jitter": self.jitter,
            "catch_up": self.catch_up,
            "overlap": self.overlap,
            "excluded_calendars": self.exclude,
            "max_scheduled_runs": self.max_scheduled_runs,
            "parameters": self.params if self.params is not None else self.param or None,
        }
        return [field for field, value in typed.items() if value is not None]


def anchor_of(typed: str, zone: str | None) -> datetime:
    """The time that --anchor-date says, which is meant in the time zone of its schedule. Raises typer.BadParameter."""
    return moment_of(typed, "--anchor-date", zone=zone_of(zone))


def zone_of(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"--timezone {name!r} is no time zone; write such as Europe/Berlin.") from None


def _choice(
    typed: str | None, option: str, keys: Callable[[], Sequence[str]], value: Callable[[str], Any], prefix: str
) -> Any:
    """The value of an enum of the contract that a word stands for."""
    names = [name.removeprefix(prefix).lower().replace("_", "-") for name in keys() if not name.endswith("UNSPECIFIED")]
    if typed is None:
        return value(f"{prefix}UNSPECIFIED")
    word = typed.lower().replace("_", "-")
    if word not in names:
        raise typer.BadParameter(f"{option} {typed!r} is not one of {', '.join(names)}.")
    return value(prefix + word.upper().replace("-", "_"))

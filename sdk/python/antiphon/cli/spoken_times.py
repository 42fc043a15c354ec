"""Times and spans as people type them."""

import re
import warnings
from datetime import UTC, datetime, timedelta, tzinfo

import typer
from dateutil import parser, tz
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.timestamps import write_timestamp

_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600}
_UNITS |= {"d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
#: The longest span that the contract takes anywhere is shorter.
_LONGEST_SECONDS = 100 * 366 * 86_400


def span_of(text: str, option: str) -> timedelta:
    """`90`, `90s`, `1h 30m`, `2 days and 3 hours`; a number alone is in seconds. Raises typer.BadParameter."""
    typed = text.strip().lower()
    try:
        seconds = float(typed) if _is_number(typed) else sum(_seconds_of(typed))
    except ValueError:
        raise typer.BadParameter(
            f"{option} {text!r} is no span of time; write such as 90s, 15m, '1h 30m' or '2 days'."
        ) from None
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise typer.BadParameter(f"{option} {text!r} is no span that can be: give 0 seconds to 100 years.")
    return timedelta(seconds=seconds)


def _is_number(typed: str) -> bool:
    return re.fullmatch(r"[0-9]+(\.[0-9]+)?", typed) is not None


def _seconds_of(typed: str) -> list[float]:
    """Of each part the seconds. Raises ValueError."""
    rest = re.sub(r"[\s,]|\band\b|\bin\b", "", _PART.sub("", typed))
    parts = _PART.findall(typed)
    units = [_UNITS.get(unit) or _UNITS.get(unit.removesuffix("s")) for _, unit in parts]
    if rest or not parts or None in units:
        raise ValueError(typed)
    return [float(number) * (unit or 0) for (number, _), unit in zip(parts, units, strict=True)]


def moment_of(text: str, option: str, *, zone: tzinfo | None = None, now: datetime | None = None) -> datetime:
    """`now`, `2026-03-29`, `2026-03-29 14:30`, `14:30`, `tomorrow 9am`, `Friday 17:00`, `in 2 hours`, in UTC.

    What is missing is today's, times of day midnight. Without a zone of its own it is meant in `zone`, or in this
    machine's for None. Raises typer.BadParameter.
    """
    here = zone or tz.tzlocal()
    current = (now or datetime.now(UTC)).astimezone(here)
    typed = text.strip()
    word, _, rest = typed.partition(" ")
    if word.lower() == "in":
        return (current + span_of(rest, option)).astimezone(UTC)
    if typed.lower() == "now":
        return current.astimezone(UTC)
    day = current
    if word.lower() in _DAYS:
        day, typed = current + timedelta(days=_DAYS[word.lower()]), rest.removeprefix("at ").strip()
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    if word.lower() in _DAYS and not typed:
        return midnight.astimezone(UTC)
    return _parsed(typed, midnight, text, option).astimezone(UTC)


def _parsed(typed: str, midnight: datetime, text: str, option: str) -> datetime:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a zone that it does not know would be passed over
            moment: datetime = parser.parse(typed, default=midnight)
        moment.astimezone(UTC)
    except (ValueError, OverflowError, Warning):
        raise typer.BadParameter(
            f"{option} {text!r} is no time; write such as '2026-03-29 14:30', 14:30, 'tomorrow 9:00' or 'in 2 hours',"
            " with a zone as +02:00 where it is not this one."
        ) from None
    return moment


def to_timestamp(moment: datetime) -> Timestamp:
    """The moment as the contract has it."""
    stamp = Timestamp()
    write_timestamp(stamp, moment)
    return stamp


def to_duration(span: timedelta) -> Duration:
    """The span as the contract has it."""
    duration = Duration()
    duration.FromTimedelta(span)
    return duration

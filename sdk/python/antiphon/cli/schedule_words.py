"""Schedules as people read them. Pure functions."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from antiphon.cli.run_words import moment_words, span_words
from antiphon.v1.schedule_pb2 import CatchUp, Overlap, Schedule

#: Shorter intervals are told in seconds alone.
_EXACT_SECONDS = 120


def rule_words(schedule: Schedule) -> str:
    """`0 9 * * *`, `every 1h 00m`, `FREQ=DAILY`."""
    kind = schedule.WhichOneof("rule")
    if kind == "cron":
        return schedule.cron.expression + (" (days fit both)" if schedule.cron.day_and else "")
    if kind == "interval":
        rule = schedule.interval
        anchor = f" from {moment_words(rule.anchor_time)}" if rule.HasField("anchor_time") else ""
        return f"every {interval_words(rule.interval)}{anchor}"
    return "; ".join(schedule.recurrence.rule.split()) if kind == "recurrence" else ""


def interval_words(interval: Duration) -> str:
    """`1d 6h`, `90s`: exact, since it is what was asked for."""
    left = interval.ToTimedelta().total_seconds()
    if left < _EXACT_SECONDS:
        return f"{left:g}s"
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        count, left = divmod(left, size)
        parts += [f"{count:g}{unit}"] if count else []
    return " ".join([*parts, f"{left:g}s"] if left else parts)


def duration_words(duration: Duration) -> str:
    """`1.5s`, `3m 05s`."""
    span: timedelta = duration.ToTimedelta()
    return span_words(span.total_seconds())


def zone_words(schedule: Schedule) -> str:
    """The time zone, where none is set UTC."""
    return schedule.time_zone or "UTC"


def catch_up_word(schedule: Schedule) -> str:
    """`skip`; empty for the usual, which is `latest`."""
    if schedule.catch_up not in CatchUp.values():
        return str(schedule.catch_up)
    return _word(CatchUp.Name(schedule.catch_up), "CATCH_UP_", usual="latest")


def overlap_word(schedule: Schedule) -> str:
    """`cancel-other`; empty for the usual, which is `allow`."""
    if schedule.overlap not in Overlap.values():
        return str(schedule.overlap)
    return _word(Overlap.Name(schedule.overlap), "OVERLAP_", usual="allow")


def _word(name: str, prefix: str, *, usual: str) -> str:
    word = name.removeprefix(prefix).lower().replace("_", "-")
    return "" if word in ("unspecified", usual) else word


def details_words(schedule: Schedule) -> str:
    """What else is to be known: jitter, calendars, policies, arguments."""
    parts = [
        f"jitter up to {interval_words(schedule.jitter)}" if schedule.jitter.ToNanoseconds() else "",
        f"not on {', '.join(schedule.excluded_calendars)}" if schedule.excluded_calendars else "",
        f"catch-up {catch_up_word(schedule)}" if catch_up_word(schedule) else "",
        f"overlap {overlap_word(schedule)}" if overlap_word(schedule) else "",
        f"at most {schedule.max_scheduled_runs} planned" if schedule.max_scheduled_runs else "",
        "own arguments" if schedule.HasField("parameters") else "",
    ]
    return ", ".join(filter(None, parts))

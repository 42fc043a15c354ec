"""Schedules as people read them. Pure functions."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from antiphon.cli.run_words import moment_words, span_words
from antiphon.v1.schedule_pb2 import CatchUp, Overlap, Schedule


def rule_words(schedule: Schedule) -> str:
    """`0 9 * * *`, `every 1h 00m`, `FREQ=DAILY`."""
    kind = schedule.WhichOneof("rule")
    if kind == "cron":
        return schedule.cron.expression + (" (days fit both)" if schedule.cron.day_and else "")
    if kind == "interval":
        rule = schedule.interval
        anchor = f" from {moment_words(rule.anchor_time)}" if rule.HasField("anchor_time") else ""
        return f"every {duration_words(rule.interval)}{anchor}"
    return "; ".join(schedule.recurrence.rule.split()) if kind == "recurrence" else ""


def duration_words(duration: Duration) -> str:
    """`1.5s`, `3m 05s`."""
    span: timedelta = duration.ToTimedelta()
    return span_words(span.total_seconds())


def zone_words(schedule: Schedule) -> str:
    """The time zone, where none is set UTC."""
    return schedule.time_zone or "UTC"


def catch_up_word(schedule: Schedule) -> str:
    """`latest`; empty where nothing was said."""
    return _word(CatchUp.Name(schedule.catch_up), "CATCH_UP_") if schedule.catch_up in CatchUp.values() else ""


def overlap_word(schedule: Schedule) -> str:
    """`cancel-other`; empty where nothing was said."""
    return _word(Overlap.Name(schedule.overlap), "OVERLAP_") if schedule.overlap in Overlap.values() else ""


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix)
    return "" if word == "UNSPECIFIED" else word.lower().replace("_", "-")


def details_words(schedule: Schedule) -> str:
    """What else is to be known: jitter, calendars, policies, arguments."""
    parts = [
        f"jitter up to {duration_words(schedule.jitter)}" if schedule.HasField("jitter") else "",
        f"not on {', '.join(schedule.excluded_calendars)}" if schedule.excluded_calendars else "",
        f"catch-up {catch_up_word(schedule)}" if catch_up_word(schedule) else "",
        f"overlap {overlap_word(schedule)}" if overlap_word(schedule) else "",
        f"at most {schedule.max_scheduled_runs} planned" if schedule.max_scheduled_runs else "",
        "own arguments" if schedule.HasField("parameters") else "",
    ]
    return ", ".join(filter(None, parts))

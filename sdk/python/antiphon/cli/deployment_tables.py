"""Deployments, their versions and schedules, and calendars, as tables for people. Fetches nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.deployment_lookup import full_name
from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, first_line, make_table
from antiphon.cli.run_words import ago_words, moment_words, payload_words, when_words
from antiphon.cli.schedule_words import details_words, duration_words, rule_words, zone_words
from antiphon.v1.deployment_pb2 import CollisionStrategy, Deployment, DeploymentVersion
from antiphon.v1.schedule_pb2 import Calendar, Schedule
from antiphon.v1.schedule_service_pb2 import SchedulePreview

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def deployments_table(deployments: Iterable[Deployment], now: datetime, *, show_ids: bool) -> Table:
    """Deployments, a line each."""
    headers = ("Name", "Version", "Work queue", "Schedules", "Active", "Tags", "Updated")
    shrinking = ("Name", "Version", "Work queue", "Tags")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=shrinking)
    for each in deployments:
        table.add_row(
            cut(full_name(each)),
            cut(each.version),
            cut(queue_words(each)),
            str(len(each.schedules)),
            "no" if each.paused else "yes",
            cut(", ".join(each.tags)),
            ago_words(each.update_time, now),
            *([each.id] if show_ids else []),
        )
    return table


def queue_words(deployment: Deployment) -> str:
    """`pool/queue`; empty for a deployment that has none."""
    return f"{deployment.work_pool_name}/{deployment.work_queue_name}" if deployment.work_queue_id else ""


def deployment_page(deployment: Deployment, schedules: Sequence[Schedule], now: datetime) -> RenderableType:
    """All about one deployment."""
    limit = f"{deployment.active_slots} of {deployment.concurrency_limit} runs"
    if deployment.collision_strategy == CollisionStrategy.COLLISION_STRATEGY_CANCEL_NEW:
        limit += ", others are cancelled"
    facts = facts_table(
        [
            ("Deployment", full_name(deployment)),
            ("ID", deployment.id),
            ("Description", deployment.description),
            ("Version", f"{deployment.version} (number {deployment.version_number})".strip()),
            ("Active", "no: paused" if deployment.paused else "yes"),
            ("Work queue", queue_words(deployment) or "none: no worker takes its runs"),
            ("Entrypoint", deployment.entrypoint),
            ("Path", deployment.path),
            ("Pull steps", deployment.pull_steps),
            ("Parameters", payload_words(deployment.parameters) if deployment.HasField("parameters") else ""),
            ("Checked", "by the flow's schema" if deployment.enforce_parameter_schema else ""),
            ("Job variables", deployment.job_variables),
            ("Running", limit if deployment.HasField("concurrency_limit") else ""),
            ("Grace", duration_words(deployment.grace_period) if deployment.HasField("grace_period") else ""),
            ("Tags", ", ".join(deployment.tags)),
            ("Labels", ", ".join(f"{name}={value}" for name, value in sorted(deployment.labels.items()))),
            ("Created", moment_words(deployment.create_time)),
            ("Updated", moment_words(deployment.update_time)),
        ]
    )
    if not schedules:
        return facts
    return Group(facts, "", Text("Schedules", style="bold"), schedules_table(schedules, now))


def schedules_table(schedules: Iterable[Schedule], now: datetime, *, show_ids: bool = True) -> Table:
    """Schedules, a line each; always with ids, since some have nothing else to go by."""
    headers = ("ID", "Slug", "When", "Zone", "Active", "Next", "More")
    table = make_table(*headers, shrinking=("Slug", "When", "More"))
    for each in schedules:
        table.add_row(
            each.id if show_ids else each.id[:13],
            cut(each.slug),
            cut(rule_words(each)),
            zone_words(each),
            "no" if each.paused else "yes",
            when_words(each.next_time, now) if each.HasField("next_time") else "",
            cut(details_words(each)),
        )
    return table


def preview_table(times: Iterable[SchedulePreview], zone: str, *, jitter: bool) -> Table:
    """Times of a schedule, a line each: on the wall of its zone, and here; what a calendar excludes is said."""
    table = make_table(f"In {zone}", "Starts here at" if jitter else "Here", "Note", shrinking=("Note",))
    for each in times:
        excluded = f"does not fire: {each.excluded_by}" if each.excluded_by else ""
        style = "bright_black" if excluded else ""
        local = each.local_time.replace("T", " ")
        table.add_row(Text(local, style=style), Text(moment_words(each.time), style=style), cut(excluded))
    return table


def versions_table(versions: Iterable[DeploymentVersion], current: int, now: datetime) -> Table:
    """What a deployment was, a line each; * marks what it is."""
    table = make_table("Number", "Version", "Entrypoint", "Description", "Since", shrinking=("Version", "Description"))
    for each in versions:
        table.add_row(
            f"{'*' if each.number == current else ' '} {each.number}",
            cut(each.deployment.version),
            cut(each.deployment.entrypoint),
            cut(first_line(each.deployment.description)),
            ago_words(each.create_time, now),
        )
    return table


def calendars_table(calendars: Iterable[Calendar], now: datetime, *, show_ids: bool) -> Table:
    """Calendars, a line each."""
    headers = ("Name", "Days", "Weekdays", "Description", "Updated")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=("Name", "Weekdays", "Description"))
    for each in calendars:
        table.add_row(
            cut(each.name),
            str(len(each.days)),
            cut(weekday_words(each)),
            cut(first_line(each.description)),
            ago_words(each.update_time, now),
            *([each.id] if show_ids else []),
        )
    return table


def calendar_page(calendar: Calendar) -> RenderableType:
    """All about one calendar."""
    return facts_table(
        [
            ("Calendar", calendar.name),
            ("ID", calendar.id),
            ("Description", calendar.description),
            ("Days", "\n".join(calendar.days)),
            ("Weekdays", weekday_words(calendar)),
            ("Created", moment_words(calendar.create_time)),
            ("Updated", moment_words(calendar.update_time)),
        ]
    )


def weekday_words(calendar: Calendar) -> str:
    """`Saturday, Sunday`."""
    return ", ".join(_WEEKDAYS[day - 1] for day in sorted(calendar.weekdays) if 1 <= day <= 7)

"""`antiphon deployment schedule`."""

from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.deployment_arguments import DeploymentArgument, MaybeDeploymentArgument
from antiphon.cli.deployment_lookup import find_deployment, find_schedule, full_name, list_schedules
from antiphon.cli.deployment_tables import schedules_table
from antiphon.cli.output import JsonFlag, make_console, print_messages, show_list, tell
from antiphon.cli.schedule_options import (
    AnchorOption,
    CalendarOption,
    CatchUpOption,
    CronOption,
    DayOption,
    GivenSchedule,
    IntervalOption,
    JitterOption,
    MostOption,
    OverlapOption,
    RRuleOption,
    SlugOption,
    ZoneOption,
)
from antiphon.cli.schedule_preview import preview
from antiphon.cli.schedule_words import rule_words
from antiphon.cli.typed_values import ParamOption, ParamsOption
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import UpdateDeploymentRequest
from antiphon.v1.schedule_pb2 import Schedule
from antiphon.v1.schedule_service_pb2 import (
    CreateScheduleRequest,
    CreateScheduleResponse,
    DeleteScheduleRequest,
    UpdateScheduleRequest,
)

app = typer.Typer(
    name="schedule", add_completion=False, help="When deployments run by themselves.", no_args_is_help=True
)

ScheduleArgument = Annotated[str, typer.Argument(metavar="SCHEDULE", help="A schedule's slug, its id, or its start.")]
OneScheduleArgument = Annotated[
    str | None, typer.Argument(metavar="SCHEDULE", help="A schedule's slug, its id, or its start.")
]


@app.callback()
def group() -> None:
    """When deployments run by themselves."""


@app.command()
def create(
    name: DeploymentArgument,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor_date: AnchorOption = None,
    day_or: DayOption = None,
    timezone: ZoneOption = None,
    active: Annotated[bool, typer.Option("--active/--no-active", help="Whether it fires before it is resumed.")] = True,
    slug: SlugOption = None,
    jitter: JitterOption = None,
    catch_up: CatchUpOption = None,
    overlap: OverlapOption = None,
    exclude: CalendarOption = None,
    max_scheduled_runs: MostOption = None,
    param: ParamOption = None,
    params: ParamsOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of all that the deployment has.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "--accept-yes", "-y", help="With --replace: do not ask whether you are sure.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a deployment a schedule: --cron, --interval or --rrule says when.

    With --json: the antiphon.v1.Schedule.
    """
    given = GivenSchedule(
        cron, interval, rrule, anchor_date, day_or, timezone, slug, jitter, catch_up, overlap, exclude,
        max_scheduled_runs, param or (), params,
    )  # fmt: skip
    if not given.rules:
        raise typer.BadParameter("Say when it fires: --cron, --interval or --rrule.")
    wanted = given.schedule()
    wanted.paused = not active
    asks = replace and must_ask(yes)
    with ServiceClient() as client:
        found = find_deployment(client, name)
        count = len(found.schedules)
        if asks and count:
            confirm(f"Replace {_count_words(count)} of {full_name(found)}?")
        made = _replace(client, found, wanted) if replace else _add(client, found, wanted)
    instead = f" in place of {count}" if replace and count else ""
    words = f"The deployment {full_name(found)} has the schedule {_name(made)}{instead} now: {rule_words(made)}."
    tell(made, words, as_json=as_json)


def _add(client: ServiceClient, deployment: Deployment, wanted: Schedule) -> Schedule:
    wanted.deployment_id = deployment.id
    response: CreateScheduleResponse = client.call(
        client.schedules.CreateSchedule, CreateScheduleRequest(schedule=wanted)
    )
    return response.schedule


def _replace(client: ServiceClient, deployment: Deployment, wanted: Schedule) -> Schedule:
    """In one step, so that nobody ever sees the deployment without a schedule."""
    changed = Deployment(id=deployment.id, etag=deployment.etag, schedules=[wanted])
    request = UpdateDeploymentRequest(deployment=changed, update_mask=FieldMask(paths=["schedules"]))
    made: Schedule = client.call(client.deployments.UpdateDeployment, request).deployment.schedules[0]
    return made


@app.command("ls")
def list_of_deployment(deployment_name: DeploymentArgument, as_json: JsonFlag = False) -> None:
    """List the schedules of a deployment, and when each fires next. With --json: an array of antiphon.v1.Schedule."""
    with ServiceClient() as client:
        found = find_deployment(client, deployment_name)
        schedules = list_schedules(client, found)
    show_list(schedules, schedules_table, f"The deployment {full_name(found)} has no schedules.", as_json=as_json)


@app.command()
def update(
    deployment_name: DeploymentArgument,
    schedule_id: ScheduleArgument,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor_date: AnchorOption = None,
    day_or: DayOption = None,
    timezone: ZoneOption = None,
    slug: SlugOption = None,
    jitter: JitterOption = None,
    catch_up: CatchUpOption = None,
    overlap: OverlapOption = None,
    exclude: CalendarOption = None,
    max_scheduled_runs: MostOption = None,
    param: ParamOption = None,
    params: ParamsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a schedule; runs that it has planned ahead are planned anew. With --json: the antiphon.v1.Schedule."""
    given = GivenSchedule(
        cron, interval, rrule, anchor_date, day_or, timezone, slug, jitter, catch_up, overlap, exclude,
        max_scheduled_runs, param or (), params,
    )  # fmt: skip
    if not given.changed_fields():
        raise typer.BadParameter("Say what to change, such as --cron, --timezone or --jitter.")
    with ServiceClient() as client:
        before = find_schedule(client, find_deployment(client, deployment_name), schedule_id)
        changed = _change(client, before, given.schedule(), given.changed_fields())
    tell(changed, f"The schedule {_name(changed)} fires {rule_words(changed)} now.", as_json=as_json)


@app.command()
def delete(
    deployment_name: DeploymentArgument, schedule_id: ScheduleArgument, yes: YesFlag = False, as_json: JsonFlag = False
) -> None:
    """Delete a schedule with the runs that it has planned ahead. Asks first; without a terminal, --yes is needed.

    With --json: the antiphon.v1.Schedule as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        found = find_schedule(client, find_deployment(client, deployment_name), schedule_id)
        if asks:
            confirm(f"Delete the schedule {_name(found)} ({rule_words(found)}) of {deployment_name}?")
        client.call(client.schedules.DeleteSchedule, DeleteScheduleRequest(id=found.id))
    tell(found, f"The schedule {_name(found)} is deleted.", as_json=as_json)


@app.command()
def clear(deployment_name: DeploymentArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete all schedules of a deployment. Asks first; where there is no terminal, --yes is needed.

    With --json: an array of antiphon.v1.Schedule, as they were.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        found = find_deployment(client, deployment_name)
        schedules = list_schedules(client, found)
        if asks and schedules:
            confirm(f"Delete {_count_words(len(schedules))} of {full_name(found)}?")
        without = Deployment(id=found.id, etag=found.etag)
        request = UpdateDeploymentRequest(deployment=without, update_mask=FieldMask(paths=["schedules"]))
        client.call(client.deployments.UpdateDeployment, request)
    if as_json:
        print_messages(schedules)
    else:
        make_console().print(f"Deleted of {full_name(found)}: {_count_words(len(schedules))}.", markup=False)


@app.command()
def pause(
    deployment_name: MaybeDeploymentArgument = None,
    schedule_id: OneScheduleArgument = None,
    every: Annotated[bool, typer.Option("--all", help="All of the deployment, or else of all deployments.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Have a schedule rest: it fires not before it is resumed, and times that pass meanwhile are never caught up.

    Without SCHEDULE: the only one that the deployment has. With --json: an array of antiphon.v1.Schedule.
    """
    _set_paused(deployment_name, schedule_id, every, paused=True, as_json=as_json)


@app.command()
def resume(
    deployment_name: MaybeDeploymentArgument = None,
    schedule_id: OneScheduleArgument = None,
    every: Annotated[bool, typer.Option("--all", help="All of the deployment, or else of all deployments.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Have a schedule fire again. Without SCHEDULE: the only one. With --json: an array of antiphon.v1.Schedule."""
    _set_paused(deployment_name, schedule_id, every, paused=False, as_json=as_json)


app.command()(preview)


def _set_paused(deployment: str | None, schedule: str | None, every: bool, *, paused: bool, as_json: bool) -> None:
    if every and schedule is not None:
        raise typer.BadParameter("Give a SCHEDULE or --all, not both.")
    if deployment is None and not every:
        raise typer.BadParameter("Say of which DEPLOYMENT, or give --all for all schedules there are.")
    with ServiceClient() as client:
        chosen = _chosen(client, deployment, schedule, every)
        mask = ["paused"]
        changed = [_change(client, each, Schedule(paused=paused), mask) for each in chosen if each.paused != paused]
    if as_json:
        print_messages(changed)
        return
    verb = "paused" if paused else "resumed"
    for each in changed:
        make_console().print(f"The schedule {_name(each)} ({rule_words(each)}) is {verb}.", markup=False)
    if not changed:
        make_console().print(f"Nothing to do: {'it is' if len(chosen) == 1 else 'all are'} {verb} already.")


def _chosen(client: ServiceClient, deployment: str | None, schedule: str | None, every: bool) -> list[Schedule]:
    if deployment is None:
        return list_schedules(client, None)
    found = find_deployment(client, deployment)
    return list_schedules(client, found) if every else [find_schedule(client, found, schedule)]


def _change(client: ServiceClient, before: Schedule, wanted: Schedule, fields: list[str]) -> Schedule:
    wanted.id, wanted.etag = before.id, before.etag
    request = UpdateScheduleRequest(schedule=wanted, update_mask=FieldMask(paths=fields))
    changed: Schedule = client.call(client.schedules.UpdateSchedule, request).schedule
    return changed


def _name(schedule: Schedule) -> str:
    return schedule.slug or schedule.id


def _count_words(count: int) -> str:
    return f"{count} schedule{'' if count == 1 else 's'}"

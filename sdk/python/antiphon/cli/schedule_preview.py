"""`antiphon deployment schedule preview`."""

from typing import Annotated

import typer

from antiphon.cli.deployment_arguments import MaybeDeploymentArgument
from antiphon.cli.deployment_lookup import find_deployment, find_schedule
from antiphon.cli.deployment_tables import preview_table
from antiphon.cli.output import JsonFlag, make_console, print_messages
from antiphon.cli.schedule_options import (
    AnchorOption,
    CalendarOption,
    CronOption,
    DayOption,
    GivenSchedule,
    IntervalOption,
    JitterOption,
    RRuleOption,
    ZoneOption,
    zone_of,
)
from antiphon.cli.schedule_words import details_words, rule_words, zone_words
from antiphon.cli.spoken_times import moment_of, to_timestamp
from antiphon.service_client import ServiceClient
from antiphon.v1.schedule_pb2 import Schedule
from antiphon.v1.schedule_service_pb2 import PreviewScheduleRequest

_MOST = 1000


def preview(
    deployment_name: MaybeDeploymentArgument = None,
    schedule_id: Annotated[
        str | None, typer.Argument(metavar="SCHEDULE", help="Its slug, its id, or its start; the only one for none.")
    ] = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor_date: AnchorOption = None,
    day_or: DayOption = None,
    timezone: ZoneOption = None,
    jitter: JitterOption = None,
    exclude: CalendarOption = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=_MOST, help="How many times.")] = 10,
    after: Annotated[
        str, typer.Option("--after", metavar="TIME", help="Times later than this, in the schedule's time zone.")
    ] = "now",
    as_json: JsonFlag = False,
) -> None:
    """Print when a schedule fires: on the wall of its time zone and here, with jitter, and what calendars exclude.

    Of a schedule that a deployment has, paused or not; or of one that is not made yet, by --cron, --interval or
    --rrule. With --json: an array of antiphon.v1.SchedulePreview.
    """
    given = GivenSchedule(cron, interval, rrule, anchor_date, day_or, timezone, jitter=jitter, exclude=exclude)
    if (deployment_name is None) is (given.rules == 0):
        raise typer.BadParameter("Give a DEPLOYMENT, or one of --cron, --interval and --rrule.")
    if deployment_name is not None and given.changed_fields():
        raise typer.BadParameter("Options that make up a schedule do not go with the one of a DEPLOYMENT.")
    request = PreviewScheduleRequest(count=count)
    with ServiceClient() as client:
        if deployment_name is not None:
            shown = find_schedule(client, find_deployment(client, deployment_name), schedule_id)
            request.id = shown.id
        else:
            shown = given.schedule()
            request.given.CopyFrom(shown)
        if after != "now":
            zone = zone_of(shown.time_zone)
            request.after_time.CopyFrom(to_timestamp(moment_of(after, "--after", zone=zone)))
        times = client.call(client.schedules.PreviewSchedule, request).times
    if as_json:
        print_messages(times)
        return
    console = make_console()
    console.print(_title(shown), markup=False, soft_wrap=True)
    console.print(preview_table(times, zone_words(shown), jitter=shown.HasField("jitter")))
    if len(times) < count:
        console.print("It fires no more within ten years.")


def _title(schedule: Schedule) -> str:
    details = details_words(schedule)
    paused = " (paused)" if schedule.paused else ""
    return f"{rule_words(schedule)}{paused}{f', {details}' if details else ''}"

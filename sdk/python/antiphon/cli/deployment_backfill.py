"""`antiphon deployment backfill`."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.deployment_arguments import DeploymentArgument
from antiphon.cli.deployment_lookup import find_deployment, find_schedule, full_name
from antiphon.cli.operation_progress import await_operation
from antiphon.cli.operation_view import runs_words
from antiphon.cli.output import JsonFlag, make_console, print_json, tell, to_json
from antiphon.cli.schedule_words import rule_words, zone_words
from antiphon.cli.spoken_times import moment_of, to_timestamp
from antiphon.cli.typed_values import ParamOption, ParamsOption, parameters_of
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.timestamps import read_timestamp
from antiphon.v1.deployment_service_pb2 import BackfillDeploymentRequest, BackfillDeploymentResponse
from antiphon.v1.schedule_pb2 import Schedule

_MOST_ACTIVE = 1000
#: Times that a dry run shows.
_MOST_SHOWN = 10


def backfill(
    name: DeploymentArgument,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="The first time that counts, in the schedule's time zone.")
    ],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Behind the last one; `now` for until now.")],
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="The slug or id of a schedule, where there are several.")
    ] = None,
    max_active: Annotated[
        int,
        typer.Option("--max-active", min=1, max=_MOST_ACTIVE, help="How many of its runs may be under way at once."),
    ] = 1,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run the times once more for which there is a run already.")
    ] = False,
    param: ParamOption = None,
    params: ParamsOption = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag besides the deployment's; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which runs it would make.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until its last run has ended.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a run for each time of a schedule in a span, the oldest first.

    On a terminal it says how many and asks. With --json: the antiphon.v1.Operation, with --watch as it is at its end;
    with --dry-run the antiphon.v1.BackfillDeploymentResponse. With --watch, exits with 1 if any run did not COMPLETE,
    and with 5 if the operation was cancelled.
    """
    parameters = parameters_of(param or [], params)
    with ServiceClient() as client:
        found = find_deployment(client, name)
        chosen = find_schedule(client, found, schedule)
        zone = ZoneInfo(zone_words(chosen))
        first, behind = moment_of(start, "--from", zone=zone), moment_of(end, "--to", zone=zone)
        if behind <= first:
            raise typer.BadParameter(f"--to {end!r} is not later than --from {start!r}.")
        request = BackfillDeploymentRequest(
            id=found.id,
            schedule_id=chosen.id,
            start_time=to_timestamp(first),
            end_time=to_timestamp(behind),
            parameters=parameters,
            max_active_runs=max_active,
            rerun=rerun,
            tags=tags or (),
        )
        asks = not dry_run and must_ask(yes, grave=False)
        if dry_run or asks:
            plan = _plan(client, request)
            if dry_run:
                _show_plan(plan, chosen, full_name(found), rerun=rerun, as_json=as_json)
                return
            confirm(f"Make {runs_words(_new(plan, rerun=rerun))} of {full_name(found)}?")
        request.request_id = new_id()
        operation = client.call(client.deployments.BackfillDeployment, request).operation
        if watch:
            raise typer.Exit(await_operation(client, operation, as_json=as_json))
    follow = f"Follow it with `antiphon operation watch {operation.id}`."
    words = f"Operation {operation.id} makes runs of {full_name(found)}, {operation.total_count} times. {follow}"
    tell(operation, words, as_json=as_json)


def _plan(client: ServiceClient, request: BackfillDeploymentRequest) -> BackfillDeploymentResponse:
    dry = BackfillDeploymentRequest()
    dry.CopyFrom(request)
    dry.dry_run = True
    planned: BackfillDeploymentResponse = client.call(client.deployments.BackfillDeployment, dry)
    return planned


def _new(plan: BackfillDeploymentResponse, *, rerun: bool) -> int:
    return plan.total_count - (0 if rerun else plan.existing_count)


def _show_plan(plan: BackfillDeploymentResponse, schedule: Schedule, name: str, *, rerun: bool, as_json: bool) -> None:
    if as_json:
        print_json(to_json(plan))
        return
    existing = f" For {plan.existing_count} of them there is a run already." if plan.existing_count else ""
    times = f"{plan.total_count} time{'' if plan.total_count == 1 else 's'}"
    lines = [f"The schedule {schedule.slug or rule_words(schedule)} of {name} has {times} then.{existing}"]
    zone = ZoneInfo(zone_words(schedule))
    shown = [read_timestamp(each).astimezone(zone) for each in plan.times[:_MOST_SHOWN]]
    lines += [f"    {datetime.isoformat(each, sep=' ')}" for each in shown]
    if plan.total_count > len(shown):
        lines.append("    … and more")
    lines.append(f"{runs_words(_new(plan, rerun=rerun))} would be made; nothing was done.")
    make_console().print("\n".join(lines), markup=False, soft_wrap=True)

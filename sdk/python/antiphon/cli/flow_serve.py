"""`antiphon flow serve`."""

import asyncio
import importlib
from typing import Annotated, Any

import typer

from antiphon.cli.schedule_options import AnchorOption, CronOption, IntervalOption, RRuleOption, ZoneOption
from antiphon.cli.spoken_times import moment_of, span_of


def serve(
    entrypoint: Annotated[str, typer.Argument(help="The flow, such as flows.py:my_flow.")],
    name: Annotated[str, typer.Option("--name", "-n", help="The name of its deployment.")],
    description: Annotated[str | None, typer.Option("--description", "-d", help="For people.")] = None,
    version: Annotated[str | None, typer.Option("--version", "-v", help="Your name for what it is now.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", help="A tag; may be given again.")] = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    anchor_date: AnchorOption = None,
    rrule: RRuleOption = None,
    timezone: ZoneOption = None,
    pause_on_shutdown: Annotated[
        bool, typer.Option("--pause-on-shutdown/--no-pause-on-shutdown", help="Pause its schedules at the end.")
    ] = True,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most this many runs at a time here.")] = None,
    global_limit: Annotated[
        int | None, typer.Option("--global-limit", min=0, help="At most this many runs at a time anywhere.")
    ] = None,
) -> None:
    """Serve a flow from this terminal, until SIGINT or SIGTERM: it runs when its deployment says so."""
    # Loaded where it is needed: other commands of the group have no use for flows.
    loading = importlib.import_module("antiphon.flow_loading")
    flow = loading.load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    serving = flow.aserve(
        name,
        description=description,
        version=version,
        tags=tag,
        schedule=_schedule(cron, interval, anchor_date, rrule, timezone),
        pause_on_shutdown=pause_on_shutdown,
        limit=limit,
        global_limit=global_limit,
    )
    asyncio.run(serving)


def _schedule(
    cron: str | None, interval: str | None, anchor_date: str | None, rrule: str | None, timezone: str | None
) -> Any:
    if sum(each is not None for each in (cron, interval, rrule)) > 1:
        raise typer.BadParameter("Give one of --cron, --interval and --rrule.")
    if anchor_date is not None and interval is None:
        raise typer.BadParameter("--anchor-date goes with --interval.")
    zone: dict[str, Any] = {"timezone": timezone} if timezone is not None else {}
    schedules = importlib.import_module("antiphon.schedules")
    if cron is not None:
        return schedules.Cron(cron, **zone)
    if rrule is not None:
        return schedules.RRule(rrule, **zone)
    if interval is not None:
        if anchor_date is not None:
            zone["anchor_date"] = moment_of(anchor_date, "--anchor-date")
        return schedules.Interval(span_of(interval, "--interval"), **zone)
    if timezone is not None:
        raise typer.BadParameter("--timezone goes with a schedule: --cron, --interval or --rrule.")
    return None

"""`antiphon flow serve`."""

import importlib
from typing import Annotated

import typer

from antiphon.cli.schedule_options import (
    AnchorOption,
    CronOption,
    GivenSchedule,
    IntervalOption,
    RRuleOption,
    ZoneOption,
)
from antiphon.cli.wrong_usage import wrong_usage


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
    given = GivenSchedule(cron=cron, interval=interval, rrule=rrule, anchor_date=anchor_date, timezone=timezone)
    # Loaded where they are needed: other commands of the group have no use for flows.
    loading = importlib.import_module("antiphon.flow_loading")
    serving = importlib.import_module("antiphon.flow_serving")
    with wrong_usage():
        flow = loading.load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        deployment = flow.to_deployment(
            name,
            description=description,
            version=version,
            tags=tag,
            schedule=given.served(),
            concurrency_limit=global_limit,
        )
    serving.serve(deployment, pause_on_shutdown=pause_on_shutdown, limit=limit)

"""`antiphon shell serve`."""

import asyncio
import importlib
from typing import Annotated, Any

import typer

from antiphon.cli.schedule_options import GivenSchedule, ZoneOption
from antiphon.cli.shell_flow import run_shell_process
from antiphon.cli.wrong_usage import wrong_usage
from antiphon.deployment_options import EntrypointType


def serve(
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="In quotes, such as 'ls -l | wc -l'.")],
    flow_name: Annotated[str, typer.Option("--flow-name", help="The flow whose runs they are.")],
    deployment_name: Annotated[
        str, typer.Option("--deployment-name", help="The name of its deployment.")
    ] = "CLI Runner Deployment",
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag besides `shell`; may be repeated.")] = None,
    log_output: Annotated[
        bool, typer.Option("--log-output/--no-log-output", help="Keep what it writes as the logs of its runs.")
    ] = True,
    stream_stdout: Annotated[
        bool, typer.Option("--stream-stdout/--no-stream-stdout", help="Show here what it writes.")
    ] = True,
    cron_schedule: Annotated[
        str | None, typer.Option("--cron-schedule", "--cron", help="Run as cron has it, such as '0 9 * * 1-5'.")
    ] = None,
    timezone: ZoneOption = None,
    concurrency_limit: Annotated[
        int | None, typer.Option("--concurrency-limit", min=1, help="At most this many runs at a time anywhere.")
    ] = None,
    run_once: Annotated[
        bool, typer.Option("--run-once/--no-run-once", help="Run what is due now, and stop when that has ended.")
    ] = False,
) -> None:
    """Serve a command of the shell from this terminal, until SIGINT or SIGTERM: it runs when its deployment says so."""
    given = GivenSchedule(cron=cron_schedule, timezone=timezone)
    with wrong_usage():
        deployment = run_shell_process.with_options(name=flow_name).to_deployment(
            deployment_name,
            parameters={"command": command, "log_output": log_output, "stream_stdout": stream_stdout},
            entrypoint_type=EntrypointType.MODULE_PATH,
            schedule=given.served(),
            tags=[*(tags or ()), "shell"],
            concurrency_limit=concurrency_limit,
        )
    asyncio.run(_served(deployment, run_once))


async def _served(deployment: Any, run_once: bool) -> None:
    # Loaded where they are needed: `shell watch` has no use for runners.
    runner = importlib.import_module("antiphon.runner.runner").Runner()
    await runner.aadd_deployment(deployment)
    if not run_once:
        typer.echo(importlib.import_module("antiphon.flow_serving").starting_message([deployment]))
    await runner.start(run_once=run_once)

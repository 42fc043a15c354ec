"""Runs examples/seattle_weather.py, shows what it found, what else a flow can do, and how to look at a run yourself."""

import argparse
import calendar
import os
import shlex
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.table import Table

from antiphon.cli.run_tree_view import tree_view
from antiphon.service_client import ServiceClient
from antiphon.settings import ANTIPHON_TASKS_REFRESH_CACHE, temporary_settings
from demo_deployed import show_deployment
from demo_more import ANTIPHON, read_tree, show_artifact, show_pause, show_rollback, show_second_run
from seattle_weather import Report, seattle_weather

ROOT = Path(__file__).resolve().parents[2]
_TASK_RUNS_SHOWN = 100


def tables(report: Report) -> RenderableType:
    """What the job found."""
    months = Table("month", "high °C", "low °C", "rain mm", "good days", title="Seattle, month by month")
    best = max(month.flyable for month in report.months)
    for month in report.months:
        style = "bold green" if month.flyable == best else None
        figures = (f"{month.high:.1f}", f"{month.low:.1f}", f"{month.rain:.0f}", f"{month.flyable:.0%}")
        months.add_row(calendar.month_name[month.number], *figures, style=style)
    states = Table("state", "airports", "nearest", "km", title="Airports within reach")
    for state in sorted(report.states, key=lambda state: state.nearest_km):
        states.add_row(state.code, str(state.airports), state.nearest, f"{state.nearest_km:.0f}")
    for column in (*months.columns[1:], states.columns[1], states.columns[3]):
        column.justify = "right"
    return Columns([months, states], padding=(0, 3))


def command_lines(target: str, flow_run_id: str) -> list[tuple[str, str]]:
    """What it shows, and the command that shows it."""
    local = ROOT / ".tools" / "bin" / "grpcurl"
    grpcurl = os.path.relpath(local) if local.exists() else "grpcurl"
    scheme, _, path = target.partition(":")
    address = shlex.quote(f"unix://{path}") if scheme == "unix" else target
    call = f"{grpcurl} -plaintext"
    by_id = shlex.quote(f'{{"id": "{flow_run_id}"}}')
    return [
        ("the run, its history and its tasks", f"{ANTIPHON} flow-run inspect {flow_run_id}"),
        ("what it logged", f"{ANTIPHON} flow-run logs {flow_run_id}"),
        ("all runs", f"{ANTIPHON} flow-run ls"),
        ("the services, without any file of ours", f"{call} {address} list"),
        ("what a flow run is", f"{call} {address} describe antiphon.v1.FlowRun"),
        ("this run, by gRPC", f"{call} -d {by_id} {address} antiphon.v1.FlowRunService/GetFlowRun"),
    ]


def show_commands(console: Console, target: str, flow_run_id: str) -> None:
    for about, line in command_lines(target, flow_run_id):
        console.print(f"  [bright_black]# {about}[/]")
        # Not by the console's wrapping: a line must survive copy and paste.
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if not (ROOT / ".tools" / "bin" / "grpcurl").exists() and shutil.which("grpcurl") is None:
        build = "GOBIN=$PWD/.tools/bin go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"
        console.print(
            f"  [bright_black]# grpcurl is not here yet; with Go: {build}[/]", highlight=False, soft_wrap=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--folder", default="build/demo", help="where the plot goes")
    parser.add_argument("--seed", type=int, default=8, help="another one makes the flaky task fail at other times")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    start = time.monotonic()
    console.rule("[bold]The job: examples/seattle_weather.py", align="left")
    # From the start, also where an earlier demo left its results.
    with temporary_settings({ANTIPHON_TASKS_REFRESH_CACHE: True}):
        report = seattle_weather(options.folder, seed=options.seed)
    seconds = time.monotonic() - start
    console.print()
    console.print(tables(report))
    console.print(f"\nThe plot: {report.plot}\n", soft_wrap=True)
    with ServiceClient() as client:
        console.rule("[bold]Its run, as the server remembers it", align="left")
        tree = read_tree(client, report.flow_run_id)
        console.print(tree_view(tree, datetime.now(UTC), limit=_TASK_RUNS_SHOWN))
        console.print()
        show_second_run(console, client, options.folder, options.seed, seconds)
        show_rollback(console, client, options.folder)
        show_artifact(console, options.folder, options.seed)
        show_pause(console, client)
        show_deployment(console, client, options.folder, options.seed)
        console.rule("[bold]Look for yourself", align="left")
        show_commands(console, client.target, report.flow_run_id)
        if client.target.startswith("unix:") and not os.environ.get("ANTIPHON_API_URL"):
            console.print(
                "  [bright_black]# The server started by itself and leaves when idle; `antiphon` wakes it again.[/]",
                soft_wrap=True,
            )
    console.print(f"\nThe job took {seconds:.1f} s, all of this {time.monotonic() - start:.1f} s.")


if __name__ == "__main__":
    main()

"""`antiphon task-run`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli.log_options import HeadFlag, NumberOption, ReverseFlag, TailFlag, WantedLogs
from antiphon.cli.log_printing import print_logs
from antiphon.cli.output import JsonFlag, make_console, print_json, show_list, to_json
from antiphon.cli.run_lookup import RunArgument, find_task_run, run_filter
from antiphon.cli.run_tables import task_run_page, task_runs_table
from antiphon.service_client import ServiceClient
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest, ListTaskRunStatesRequest

app = typer.Typer(name="task-run", add_completion=False, help="See task runs.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See task runs."""


@app.command("ls")
def list_task_runs(
    names: Annotated[
        list[str] | None, typer.Option("--task-run-name", help="Runs with this name; may be repeated.")
    ] = None,
    filter_text: Annotated[str, typer.Option("--filter", help="Which, such as 'run_count > 1'.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="A type (FAILED) or a name (Late); may be repeated.")
    ] = None,
    state_type: Annotated[list[str] | None, typer.Option("--state-type", help="A type; may be repeated.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List task runs, newest first; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.TaskRun.
    """
    text = run_filter(filter_text, states=state or (), state_types=state_type or (), names=names or ())
    with ServiceClient() as client:
        request = ListTaskRunsRequest(filter=text)
        runs = list(client.pages(client.task_runs.ListTaskRuns, request, "task_runs", limit=limit))
    show_list(runs, task_runs_table, "No task runs.", as_json=as_json)


@app.command()
def inspect(run: RunArgument, as_json: JsonFlag = False) -> None:
    """Show a task run and its history.

    With --json: an object with `task_run` (antiphon.v1.TaskRun) and `states` (an array of antiphon.v1.State, oldest
    first).
    """
    with ServiceClient() as client:
        task_run = find_task_run(client, run)
        history = ListTaskRunStatesRequest(id=task_run.id)
        states = list(client.pages(client.task_runs.ListTaskRunStates, history, "states"))
    if as_json:
        print_json({"task_run": to_json(task_run), "states": [to_json(state) for state in states]})
    else:
        make_console().print(task_run_page(task_run, states, datetime.now(UTC)))


@app.command()
def logs(
    run: RunArgument,
    head: HeadFlag = False,
    number: NumberOption = None,
    reverse: ReverseFlag = False,
    tail: TailFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the logs of a task run, oldest first. With --json: an array of antiphon.v1.Log."""
    wanted = WantedLogs(head, tail, number, reverse)
    with ServiceClient() as client:
        task_run = find_task_run(client, run)
        print_logs(client, f'task_run_id = "{task_run.id}"', wanted, as_json=as_json)

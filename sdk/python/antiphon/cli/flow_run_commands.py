"""`antiphon flow-run`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli import pause_verbs
from antiphon.cli.explain_words import explanation_lines
from antiphon.cli.explaining import explain_flow_run, explanation_json
from antiphon.cli.flow_run_execute import execute
from antiphon.cli.live_list import WatchFlag, show_live
from antiphon.cli.live_lists import live_flow_runs
from antiphon.cli.log_options import HeadFlag, NumberOption, ReverseFlag, TailFlag, WantedLogs
from antiphon.cli.log_printing import print_logs, print_logs_to_come
from antiphon.cli.output import JsonFlag, has_room_for_ids, make_console, print_json, show_list, to_json
from antiphon.cli.run_lookup import RunArgument, find_flow_run, run_filter
from antiphon.cli.run_tables import flow_run_page, flow_runs_table
from antiphon.cli.run_verbs import cancel, delete, retry, set_state
from antiphon.cli.safe_console import on_one_line
from antiphon.cli.watch_command import watch_flow_run
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest, ListFlowRunStatesRequest
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest

app = typer.Typer(name="flow-run", add_completion=False, help="See, watch and steer flow runs.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See, watch and steer flow runs."""


@app.command("ls")
def list_flow_runs(
    filter_text: Annotated[
        str, typer.Option("--filter", help="Which, such as 'run_count > 1 AND tags:\"nightly\"'.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="A type (FAILED) or a name (Late); may be repeated.")
    ] = None,
    state_type: Annotated[list[str] | None, typer.Option("--state-type", help="A type; may be repeated.")] = None,
    flow_name: Annotated[
        list[str] | None,
        typer.Option("--flow-name", "--flow", help="Runs of the flow with this name; may be repeated."),
    ] = None,
    watch: WatchFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """List flow runs, newest first; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.FlowRun; with --watch too, one antiphon.v1.WatchFlowRunsResponse a line.
    """
    text = run_filter(filter_text, states=state or (), state_types=state_type or (), flow_names=flow_name or ())
    with ServiceClient() as client:

        def fetch() -> list[FlowRun]:
            request = ListFlowRunsRequest(filter=text)
            return list(client.pages(client.flow_runs.ListFlowRuns, request, "flow_runs", limit=limit))

        if watch:
            show_live(client, live_flow_runs(text, fetch, limit), as_json=as_json)
            return
        runs = fetch()
    show_list(runs, flow_runs_table, "No flow runs.", as_json=as_json)


@app.command()
def inspect(run: RunArgument, as_json: JsonFlag = False) -> None:
    """Show a flow run, its history and its task runs.

    With --json: an object with `flow_run` (antiphon.v1.FlowRun), `states` (an array of antiphon.v1.State, oldest
    first) and `task_runs` (an array of antiphon.v1.TaskRun, oldest first).
    """
    with ServiceClient() as client:
        flow_run = find_flow_run(client, run)
        history = ListFlowRunStatesRequest(id=flow_run.id)
        states = list(client.pages(client.flow_runs.ListFlowRunStates, history, "states"))
        tasks = ListTaskRunsRequest(filter=f'flow_run_id = "{flow_run.id}"', order_by="create_time")
        task_runs = list(client.pages(client.task_runs.ListTaskRuns, tasks, "task_runs"))
    if as_json:
        print_json(
            {
                "flow_run": to_json(flow_run),
                "states": [to_json(state) for state in states],
                "task_runs": [to_json(task_run) for task_run in task_runs],
            }
        )
    else:
        console, now = make_console(), datetime.now(UTC)
        console.print(flow_run_page(flow_run, states, task_runs, now, show_ids=has_room_for_ids(console)))


@app.command()
def explain(run: RunArgument, as_json: JsonFlag = False) -> None:
    """Say why a flow run is where it is, and what would have to change. Exits with 0 also where that is nothing good.

    With --json: an object with `flow_run` (antiphon.v1.FlowRun); `answers`, what the policy would say next: an array of
    objects with `question` (claim, start, go_on, resume, retry or run_again), `request`
    (antiphon.v1.ExplainTransitionRequest) and `response` (antiphon.v1.ExplainTransitionResponse); `commands`, what
    sessions were told about it (an array of antiphon.v1.FlowRunCommand, oldest first); `sessions`, those that hold it
    or were told (an array of antiphon.v1.Session); and of its task runs that have not ended the oldest ones:
    `running_task_runs` (an array of antiphon.v1.TaskRun) and `waiting_task_runs` (an array of objects with `task_run`
    and `answer`, which is null where nothing was asked).
    """
    with ServiceClient() as client:
        explained = explain_flow_run(client, find_flow_run(client, run))
    if as_json:
        print_json(explanation_json(explained))
        return
    lines = explanation_lines(explained, datetime.now(UTC))
    make_console().print("\n".join(map(on_one_line, lines)), markup=False, soft_wrap=True)


@app.command()
def logs(
    run: RunArgument,
    head: HeadFlag = False,
    number: NumberOption = None,
    reverse: ReverseFlag = False,
    tail: TailFlag = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those to come until it ends.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the logs of a flow run and of its task runs, oldest first.

    With --json: an array of antiphon.v1.Log; with --follow, one a line.
    """
    wanted = WantedLogs(head, tail, number, reverse, follow)
    with ServiceClient() as client:
        flow_run = find_flow_run(client, run)
        if follow:
            print_logs_to_come(client, flow_run.id, wanted, as_json=as_json)
        else:
            print_logs(client, f'flow_run_id = "{flow_run.id}"', wanted, as_json=as_json)


app.command()(execute)
app.command()(cancel)
app.command()(delete)
app.command()(retry)
app.command("set-state")(set_state)
app.command()(pause_verbs.pause)
app.command()(pause_verbs.suspend)
app.command()(pause_verbs.resume)


@app.command()
def watch(
    run: RunArgument,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="Seconds to follow it; the run goes on after them.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Follow a flow run, its task runs and its subflows until it ends.

    On a terminal: a live tree. Elsewhere: a line for each change of state. With --json: one
    antiphon.v1.WatchFlowRunResponse a line. Exits with 0 if the run COMPLETED, 1 if it FAILED or CRASHED or did not
    end in time, 5 if it was CANCELLED.
    """
    with ServiceClient() as client:
        flow_run = find_flow_run(client, run)
        code = watch_flow_run(client, flow_run, as_json=as_json, timeout=timeout)
    raise typer.Exit(code)

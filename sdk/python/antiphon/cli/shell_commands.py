"""`antiphon shell`."""

from typing import Annotated

import typer

from antiphon import tags as tagged
from antiphon.cli import exit_codes
from antiphon.cli.shell_flow import run_shell_process
from antiphon.cli.shell_serve import serve

app = typer.Typer(name="shell", add_completion=False, help="Run commands of the shell as flows.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Run commands of the shell as flows."""


@app.command()
def watch(
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="In quotes, such as 'ls -l | wc -l'.")],
    log_output: Annotated[
        bool, typer.Option("--log-output/--no-log-output", help="Keep what it writes as the run's logs.")
    ] = True,
    flow_run_name: Annotated[
        str | None, typer.Option("--flow-run-name", help="The run's name; one is drawn for none.")
    ] = None,
    flow_name: Annotated[str, typer.Option("--flow-name", help="Of which flow it is a run.")] = "Shell Command",
    stream_stdout: Annotated[
        bool, typer.Option("--stream-stdout/--no-stream-stdout", help="Show here what it writes.")
    ] = True,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag of the run; may be repeated.")] = None,
) -> None:
    """Run a command here as a flow run, with what it writes as its logs.

    Exits with 0 if the command's exit code was 0, with 1 if it was another, with 5 if the run was cancelled, which ends
    the command.
    """
    chosen = run_shell_process.with_options(name=flow_name, flow_run_name=flow_run_name)
    with tagged(*(tags or ())):
        state = chosen(command, log_output=log_output, stream_stdout=stream_stdout, return_state=True)
    if state.is_cancelled():
        raise typer.Exit(exit_codes.RUN_CANCELLED)
    if not state.is_completed():
        exit_codes.print_error(state.message or f"The run is {state.name}.")
        raise typer.Exit(exit_codes.ERROR)


app.command()(serve)

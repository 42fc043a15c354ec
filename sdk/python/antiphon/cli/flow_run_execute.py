"""`antiphon flow-run execute`."""

import importlib
import os
from typing import Annotated, Any

import typer

from antiphon.cli.run_lookup import find_flow_run
from antiphon.run_environment import FENCING_TOKEN, FLOW_RUN_ID
from antiphon.service_client import ServiceClient


def execute(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help=f"A run's id, the first 4 or more characters of it, or its name; else what {FLOW_RUN_ID} says.",
        ),
    ] = None,
) -> None:
    """Run a flow run of a deployment here and now, in this process.

    Exits with 0 where it came to its end, whatever that was, or was suspended; 1 where it was broken off or could not
    be begun; 6 where somebody else has it.
    """
    named = os.environ.pop(FLOW_RUN_ID, "")
    token = os.environ.pop(FENCING_TOKEN, "0")
    if run is None and not named:
        raise typer.BadParameter("Say which run: by its id, or its name.")
    if run is None:
        # Of a worker, which has claimed it.
        raise typer.Exit(_process().execute_flow_run(named, int(token) if token.isdecimal() else 0))
    with ServiceClient() as client:
        found = find_flow_run(client, run)
    raise typer.Exit(_process().execute_flow_run(found.id))


def _process() -> Any:
    """Loaded where it is needed: other commands of the group have no use for the engine."""
    return importlib.import_module("antiphon.flow_run_process")

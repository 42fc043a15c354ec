"""`antiphon flow`."""

from typing import Annotated

import typer

from antiphon.cli.output import JsonFlag, show_list
from antiphon.cli.run_tables import flows_table
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_service_pb2 import ListFlowsRequest

app = typer.Typer(name="flow", add_completion=False, help="See flows.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See flows."""


@app.command("ls")
def list_flows(
    filter_text: Annotated[str, typer.Option("--filter", help="Which, such as 'tags:\"nightly\"'.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List flows, newest first; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.Flow.
    """
    with ServiceClient() as client:
        request = ListFlowsRequest(filter=filter_text)
        flows = list(client.pages(client.flows.ListFlows, request, "flows", limit=limit))
    show_list(flows, flows_table, "No flows.", as_json=as_json)

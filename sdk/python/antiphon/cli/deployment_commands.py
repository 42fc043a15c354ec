"""`antiphon deployment`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.deployment_arguments import DeploymentArgument, IdOption, MaybeDeploymentArgument
from antiphon.cli.deployment_backfill import backfill
from antiphon.cli.deployment_lookup import find_deployment, full_name, list_schedules
from antiphon.cli.deployment_run import run
from antiphon.cli.deployment_tables import deployment_page, deployments_table, versions_table
from antiphon.cli.lazy_group import LazyGroup
from antiphon.cli.live_list import WatchFlag, show_live
from antiphon.cli.live_lists import live_deployments
from antiphon.cli.output import JsonFlag, make_console, print_json, print_messages, show, show_list, tell, to_json
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import (
    DeleteDeploymentRequest,
    ListDeploymentsRequest,
    ListDeploymentVersionsRequest,
    PauseDeploymentRequest,
    ResumeDeploymentRequest,
    RollBackDeploymentRequest,
)


class DeploymentGroup(LazyGroup):
    """The commands of deployments, and those of their schedules."""

    modules: ClassVar[Mapping[str, str]] = {"schedule": "antiphon.cli.schedule_commands"}


app = typer.Typer(
    cls=DeploymentGroup,
    name="deployment",
    add_completion=False,
    help="Run and steer deployments.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Run and steer deployments: flows as they are meant to run."""


@app.command("ls")
def list_deployments(
    flow_names: Annotated[
        list[str] | None,
        typer.Option("--flow-name", "--flow_name", "--flow", help="Those of the flow with this name; repeatable."),
    ] = None,
    by_created: Annotated[bool, typer.Option("--by-created", help="The newest first, not by name.")] = False,
    filter_text: Annotated[str, typer.Option("--filter", help="Which, such as 'paused = true'.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 100,
    watch: WatchFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """List deployments by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.Deployment; with --watch too, one antiphon.v1.WatchDeploymentsResponse a line.
    """
    flows = " OR ".join(f"flow_name = {quote(name)}" for name in flow_names or ())
    text = " AND ".join(f"({part})" for part in (flows, filter_text.strip()) if part)
    with ServiceClient() as client:

        def fetch() -> list[Deployment]:
            request = ListDeploymentsRequest(filter=text, order_by="create_time desc" if by_created else "name")
            return list(client.pages(client.deployments.ListDeployments, request, "deployments", limit=limit))

        if watch:
            show_live(client, live_deployments(text, fetch, limit, by_created=by_created), as_json=as_json)
            return
        deployments = fetch()
    show_list(deployments, deployments_table, "No deployments.", as_json=as_json)


@app.command()
def inspect(name: DeploymentArgument, as_json: JsonFlag = False) -> None:
    """Show all about a deployment, and its schedules. With --json: the antiphon.v1.Deployment."""
    with ServiceClient() as client:
        found = find_deployment(client, name)
        schedules = [] if as_json else list_schedules(client, found)
    show(found, lambda: deployment_page(found, schedules, datetime.now(UTC)), as_json=as_json)


app.command()(run)
app.command()(backfill)


@app.command()
def pause(name: DeploymentArgument, as_json: JsonFlag = False) -> None:
    """Have the schedules of a deployment rest; runs that are made by hand go on.

    With --json: the antiphon.v1.Deployment as it is now.
    """
    with ServiceClient() as client:
        request = PauseDeploymentRequest(id=find_deployment(client, name).id)
        paused = client.call(client.deployments.PauseDeployment, request).deployment
    tell(paused, f"The deployment {full_name(paused)} is paused: its schedules rest.", as_json=as_json)


@app.command()
def resume(name: DeploymentArgument, as_json: JsonFlag = False) -> None:
    """End the pause of a deployment. With --json: the antiphon.v1.Deployment as it is now."""
    with ServiceClient() as client:
        request = ResumeDeploymentRequest(id=find_deployment(client, name).id)
        resumed = client.call(client.deployments.ResumeDeployment, request).deployment
    tell(resumed, f"The deployment {full_name(resumed)} is active: its schedules fire again.", as_json=as_json)


@app.command()
def delete(
    name: MaybeDeploymentArgument = None,
    id: IdOption = None,
    every: Annotated[bool, typer.Option("--all", help="All deployments there are.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a deployment with its schedules and what these have planned ahead; its other runs stay.

    Asks first; where there is no terminal, --yes is needed. With --json: the antiphon.v1.Deployment as it was; with
    --all an array.
    """
    reference = name if name is not None else id
    if (name is not None) + (id is not None) + every != 1:
        raise typer.BadParameter("Say what to delete: a DEPLOYMENT, its --id, or --all; one of them.")
    asks = must_ask(yes)
    with ServiceClient() as client:
        if reference is None:
            method = client.deployments.ListDeployments
            doomed = list(client.pages(method, ListDeploymentsRequest(order_by="name"), "deployments"))
        else:
            doomed = [find_deployment(client, reference)]
        if asks and doomed:
            what = full_name(doomed[0]) if len(doomed) == 1 else f"all {len(doomed)} deployments"
            confirm(f"Delete {what}, with schedules and planned runs?")
        for each in doomed:
            client.call(client.deployments.DeleteDeployment, DeleteDeploymentRequest(id=each.id))
            if not as_json:
                make_console().print(f"The deployment {full_name(each)} is deleted.", markup=False)
    if as_json and every:
        print_messages(doomed)
    elif as_json:
        print_json(to_json(doomed[0]))
    elif not doomed:
        make_console().print("No deployments.")


@app.command()
def versions(
    name: DeploymentArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List what a deployment was, newest first; * marks what it is. With --json: antiphon.v1.DeploymentVersion[]."""
    with ServiceClient() as client:
        found = find_deployment(client, name)
        request = ListDeploymentVersionsRequest(deployment_id=found.id)
        were = list(client.pages(client.deployments.ListDeploymentVersions, request, "versions", limit=limit))
    if as_json:
        print_messages(were)
    else:
        make_console().print(versions_table(were, found.version_number, datetime.now(UTC)))


@app.command()
def rollback(
    name: DeploymentArgument,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", min=0, help="As versions has it; the one before for none.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a deployment what it was. That is a new version, so it can be undone in the same way.

    With --json: the antiphon.v1.Deployment as it is now.
    """
    with ServiceClient() as client:
        found = find_deployment(client, name)
        request = RollBackDeploymentRequest(id=found.id, version_number=number, etag=found.etag)
        now = client.call(client.deployments.RollBackDeployment, request).deployment
    goal = f"as it was in version {number}" if number else "as it was before"
    tell(now, f"The deployment {full_name(now)} is {goal}; this is version {now.version_number}.", as_json=as_json)

"""`antiphon artifact`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.output import JsonFlag, make_console, print_messages
from antiphon.cli.user_tables import artifact_page, artifacts_table
from antiphon.exceptions import ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.artifact_pb2 import Artifact
from antiphon.v1.artifact_service_pb2 import (
    DeleteArtifactRequest,
    GetArtifactRequest,
    GetArtifactResponse,
    ListArtifactsRequest,
    ListLatestArtifactsRequest,
)

app = typer.Typer(name="artifact", add_completion=False, help="See what runs have to show.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See what runs have to show, and delete it."""


@app.command("ls")
def list_artifacts(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 100,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Earlier versions too, and artifacts without a key.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List artifacts by key, of each key the latest one.

    With --json: an array of antiphon.v1.Artifact without their data.
    """
    with ServiceClient() as client:
        if every:
            request = ListArtifactsRequest(order_by="key, create_time desc", without_data=True)
            artifacts = list(client.pages(client.artifacts.ListArtifacts, request, "artifacts", limit=limit))
        else:
            newest = ListLatestArtifactsRequest(order_by="key", without_data=True)
            artifacts = list(client.pages(client.artifacts.ListLatestArtifacts, newest, "artifacts", limit=limit))
    if as_json:
        print_messages(artifacts)
        return
    console = make_console()
    if artifacts:
        console.print(artifacts_table(artifacts, datetime.now(UTC)))
    elif every:
        console.print("No artifacts.")
    else:
        console.print("No artifacts with a key. Those without one: antiphon artifact ls --all")


@app.command()
def inspect(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key of artifacts, as ls has it.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many versions.")] = 10,
    as_json: JsonFlag = False,
) -> None:
    """Show the newest version of an artifact in full, and which there were before.

    With --json: an array of antiphon.v1.Artifact, each in full, the newest first.
    """
    with ServiceClient() as client:
        request = ListArtifactsRequest(
            filter=f"key = {quote(key)}", order_by="create_time desc", without_data=not as_json
        )
        versions: list[Artifact] = list(client.pages(client.artifacts.ListArtifacts, request, "artifacts", limit=limit))
        if not versions:
            raise _nothing_with(key)
        if not as_json:
            versions[0] = client.call(client.artifacts.GetArtifact, GetArtifactRequest(id=versions[0].id)).artifact
    if as_json:
        print_messages(versions)
    else:
        make_console().print(artifact_page(versions, datetime.now(UTC)))


@app.command()
def delete(
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="Delete all artifacts with this key.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Delete this artifact only.")] = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete all versions with a key, or one artifact by its id. Asks first; without a terminal, --yes is needed.

    With --json: an array of antiphon.v1.Artifact, as they were, without their data.
    """
    if (key is None) == (id is None):
        raise typer.BadParameter("Say what to delete: a KEY, or --id with the id of one artifact.")
    asks = must_ask(yes)
    with ServiceClient() as client:
        doomed = _with_key(client, key) if key is not None else [_by_id(client, id or "")]
        what = f"the artifact {id}" if key is None else f"{_count_words(doomed)} with the key {key}"
        if asks:
            confirm(f"Delete {what}?")
        _delete_each(client, doomed)
    if as_json:
        print_messages(doomed)
        return
    done = f"The artifact {id} is deleted." if key is None else f"Deleted with the key {key}: {_count_words(doomed)}."
    make_console().print(done, markup=False)


def _by_id(client: ServiceClient, id: str) -> Artifact:
    response: GetArtifactResponse = client.call(client.artifacts.GetArtifact, GetArtifactRequest(id=id))
    response.artifact.ClearField("data")
    return response.artifact


def _with_key(client: ServiceClient, key: str) -> list[Artifact]:
    """The oldest first, so that the latest one stays until the end."""
    request = ListArtifactsRequest(filter=f"key = {quote(key)}", order_by="create_time", without_data=True)
    found: list[Artifact] = list(client.pages(client.artifacts.ListArtifacts, request, "artifacts"))
    if not found:
        raise _nothing_with(key)
    return found


def _count_words(artifacts: list[Artifact]) -> str:
    return f"{len(artifacts)} {'artifact' if len(artifacts) == 1 else 'artifacts'}"


def _delete_each(client: ServiceClient, artifacts: list[Artifact]) -> None:
    for each in artifacts:
        try:
            client.call(client.artifacts.DeleteArtifact, DeleteArtifactRequest(id=each.id))
        except ObjectNotFound:
            if len(artifacts) == 1:
                raise
            continue  # somebody else was faster


def _nothing_with(key: str) -> ObjectNotFound:
    return ObjectNotFound(
        f"There is no artifact with the key {key}. `antiphon artifact ls` has those there are; one without a key is"
        " deleted by --id."
    )

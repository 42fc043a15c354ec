"""`antiphon block type`."""

from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.block_lookup import get_type, list_documents, newest_schema
from antiphon.cli.block_tables import type_page, types_table
from antiphon.cli.output import JsonFlag, has_room_for_ids, make_console, print_json, print_messages, tell, to_json
from antiphon.service_client import ServiceClient
from antiphon.v1.block_service_pb2 import DeleteBlockTypeRequest, ListBlockTypesRequest

app = typer.Typer(name="type", add_completion=False, help="See and delete types of blocks.", no_args_is_help=True)

TypeArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The slug of a type, as ls has it.")]
#: More are not counted for the question.
_MOST_COUNTED = 1000


@app.callback()
def group() -> None:
    """See and delete types of blocks."""


@app.command("ls")
def list_types(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 200, as_json: JsonFlag = False
) -> None:
    """List the types that are registered; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.BlockType.
    """
    with ServiceClient() as client:
        request = ListBlockTypesRequest(order_by="slug")
        types = list(client.pages(client.blocks.ListBlockTypes, request, "block_types", limit=limit))
    if as_json:
        print_messages(types)
        return
    console = make_console()
    if types:
        console.print(types_table(types, show_ids=has_room_for_ids(console)))
    else:
        console.print("No block types. `antiphon block register` registers those that come along.", markup=False)


@app.command()
def inspect(slug: TypeArgument, as_json: JsonFlag = False) -> None:
    """Show a type and the fields of its newest schema.

    With --json: an object with `block_type` (antiphon.v1.BlockType) and `block_schema` (antiphon.v1.BlockSchema, or
    null).
    """
    with ServiceClient() as client:
        found, schema = get_type(client, slug), newest_schema(client, slug)
    if as_json:
        print_json({"block_type": to_json(found), "block_schema": to_json(schema) if schema is not None else None})
    else:
        make_console().print(type_page(found, schema))


@app.command()
def delete(slug: TypeArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a type with all its blocks. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.BlockType as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        found = get_type(client, slug)
        if asks:
            count = len(list_documents(client, _MOST_COUNTED, found.slug))
            confirm(f"Delete the block type {found.slug} and its {count} blocks?")
        client.call(client.blocks.DeleteBlockType, DeleteBlockTypeRequest(id=found.id))
    tell(found, f"The block type {found.slug} and its blocks are deleted.", as_json=as_json)

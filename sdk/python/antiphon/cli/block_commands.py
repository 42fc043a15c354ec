"""`antiphon block`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.block_lookup import document_request, find_document, list_documents
from antiphon.cli.block_making import make_block, making_page
from antiphon.cli.block_registering import register_blocks
from antiphon.cli.block_tables import document_page, documents_table
from antiphon.cli.lazy_group import LazyGroup
from antiphon.cli.output import JsonFlag, has_room_for_ids, make_console, print_json, print_messages, tell, to_json
from antiphon.cli.typed_values import text_of
from antiphon.service_client import ServiceClient
from antiphon.v1.block_service_pb2 import DeleteBlockDocumentRequest


class BlockGroup(LazyGroup):
    """The commands of blocks, and those of their types."""

    modules: ClassVar[Mapping[str, str]] = {"type": "antiphon.cli.block_type_commands"}
    aliases: ClassVar[Mapping[str, str]] = {"types": "type"}


app = typer.Typer(
    cls=BlockGroup, name="block", add_completion=False, help="See and change blocks.", no_args_is_help=True
)

BlockArgument = Annotated[
    str | None, typer.Argument(metavar="TYPE/NAME", help="A block, as ls has it.", show_default=False)
]
IdOption = Annotated[str | None, typer.Option("--id", help="The id of a block, in place of its name.")]


@app.callback()
def group() -> None:
    """See and change blocks: values that flows load by name, such as credentials."""


@app.command()
def register(
    module: Annotated[str | None, typer.Option("--module", "-m", help="A Python module with block classes.")] = None,
    file: Annotated[str | None, typer.Option("--file", "-f", help="A Python file with block classes.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the server know the block classes of a module or file, or else those that come with Antiphon.

    With --json: an array of the names of their types.
    """
    if module is not None and file is not None:
        raise typer.BadParameter("Give --module or --file, not both.")
    names = register_blocks(module, file)
    if as_json:
        print_json(list(names))
        return
    console = make_console()
    console.print(f"{len(names)} block {'type is' if len(names) == 1 else 'types are'} registered:", markup=False)
    for name in names:
        console.print(f"  {name}", markup=False)


@app.command("ls")
def list_blocks(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 200, as_json: JsonFlag = False
) -> None:
    """List blocks by type and name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.BlockDocument, without secrets.
    """
    with ServiceClient() as client:
        documents = list_documents(client, limit)
    if as_json:
        print_messages(documents)
        return
    console = make_console()
    if documents:
        console.print(documents_table(documents, datetime.now(UTC), show_ids=has_room_for_ids(console)))
    else:
        console.print("No blocks. `antiphon block create TYPE` says how to make one.", markup=False)


@app.command()
def inspect(block: BlockArgument = None, id: IdOption = None, as_json: JsonFlag = False) -> None:
    """Show a block and what it refers to, without secrets.

    With --json: an object with `block_document` (antiphon.v1.BlockDocument) and `referenced` (an array of them).
    """
    with ServiceClient() as client:
        found = find_document(client, document_request(block, id))
    if as_json:
        print_json(to_json(found))
    else:
        make_console().print(document_page(found))


@app.command()
def create(
    block_type: Annotated[str, typer.Argument(metavar="TYPE", help="The slug of a type, as type ls has it.")],
    name: Annotated[str | None, typer.Option("--name", help="The name of the block.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Its values, a JSON object; - reads them from the standard input.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a block of this name.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Keep a block of a type, or say how that is done where --name or --data is missing.

    Values on the command line can be seen by others on this machine: use --data - for secrets. With --json: the
    antiphon.v1.BlockDocument.
    """
    if (name is None) != (data is None):
        raise typer.BadParameter("Give --name and --data together, or none of them to see what the type needs.")
    if name is None or data is None:
        make_console().print(making_page(block_type))
        return
    document = make_block(block_type, name, text_of(data, "--data"), overwrite=overwrite)
    if as_json:
        print_json(to_json(document))
    else:
        made = f"{document.block_type_slug}/{document.name}"
        make_console().print(f"The block {made} is kept ({document.id}).", markup=False)


@app.command()
def delete(block: BlockArgument = None, id: IdOption = None, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a block. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.BlockDocument as it was, without secrets.
    """
    asks = must_ask(yes)
    request = document_request(block, id)
    with ServiceClient() as client:
        document = find_document(client, request).block_document
        name = f"{document.block_type_slug}/{document.name}"
        if asks:
            confirm(f"Delete the block {name}?")
        client.call(client.blocks.DeleteBlockDocument, DeleteBlockDocumentRequest(id=document.id))
    tell(document, f"The block {name} is deleted.", as_json=as_json)

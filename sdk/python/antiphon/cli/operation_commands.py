"""`antiphon operation`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli.operation_progress import await_operation
from antiphon.cli.operation_view import operation_page, operations_table, summary
from antiphon.cli.output import JsonFlag, make_console, print_json, print_messages, to_json
from antiphon.cli.references import id_start, whole_id
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.v1.operation_pb2 import Operation
from antiphon.v1.operation_service_pb2 import (
    CancelOperationRequest,
    GetOperationRequest,
    GetOperationResponse,
    ListOperationsRequest,
)

app = typer.Typer(
    name="operation", add_completion=False, help="See, watch and stop long-running operations.", no_args_is_help=True
)

OperationArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", help="An operation's id, or the first 4 or more characters of it.")
]


class AmbiguousOperation(AntiphonException):
    """Several operations fit what was typed."""


@app.callback()
def group() -> None:
    """See, watch and stop long-running operations: `flow-run` commands with --filter, and `deployment backfill`."""


@app.command("ls")
def list_operations(
    filter_text: Annotated[str, typer.Option("--filter", help="Which, such as 'state = RUNNING'.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List operations, newest first. With --json: an array of antiphon.v1.Operation."""
    with ServiceClient() as client:
        request = ListOperationsRequest(filter=filter_text)
        operations = list(client.pages(client.operations.ListOperations, request, "operations", limit=limit))
    if as_json:
        print_messages(operations)
        return
    make_console().print(operations_table(operations, datetime.now(UTC)) if operations else "No operations.")


@app.command()
def inspect(operation: OperationArgument, as_json: JsonFlag = False) -> None:
    """Show an operation, with samples of what refused. With --json: the antiphon.v1.Operation."""
    with ServiceClient() as client:
        found = _find(client, operation)
    if as_json:
        print_json(to_json(found))
    else:
        make_console().print(operation_page(found))


@app.command()
def cancel(operation: OperationArgument, as_json: JsonFlag = False) -> None:
    """Stop an operation; what it did stays done. With --json: the antiphon.v1.Operation as it is now."""
    with ServiceClient() as client:
        request = CancelOperationRequest(id=_find(client, operation).id)
        stopped = client.call(client.operations.CancelOperation, request).operation
    if as_json:
        print_json(to_json(stopped))
    else:
        make_console().print(summary(stopped), markup=False, soft_wrap=True)


@app.command()
def watch(operation: OperationArgument, as_json: JsonFlag = False) -> None:
    """Follow an operation until it ends.

    On a terminal: a progress bar. With --json: one antiphon.v1.Operation a line. Exits with 0 if every flow run did as
    asked, 1 if any refused or the operation FAILED, 5 if it was CANCELLED.
    """
    with ServiceClient() as client:
        code = await_operation(client, _find(client, operation), as_json=as_json, json_lines=True)
    raise typer.Exit(code)


def _find(client: ServiceClient, reference: str) -> Operation:
    """Return the one operation with this id, or with an id that starts so.

    Raises ObjectNotFound, AmbiguousOperation, or what `ServiceClient.call` raises.
    """
    if (id := whole_id(reference)) is not None:
        response: GetOperationResponse = client.call(client.operations.GetOperation, GetOperationRequest(id=id))
        return response.operation
    found: list[Operation] = []
    if (start := id_start(reference)) is not None:
        request = ListOperationsRequest(filter=f'id = "{start}*"')
        found = list(client.pages(client.operations.ListOperations, request, "operations", limit=2))
    if not found:
        raise ObjectNotFound(
            f"There is no operation {reference!r}. Give an id, or the first 4 or more characters of one; see `antiphon"
            " operation ls`.",
            code="NOT_FOUND",
        )
    if len(found) > 1:
        raise AmbiguousOperation(
            f"Several operations fit {reference!r}. Give the whole id; see `antiphon operation ls`."
        )
    return found[0]

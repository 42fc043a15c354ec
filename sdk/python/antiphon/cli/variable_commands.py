"""`antiphon variable`."""

import json
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from antiphon.cli.output import JsonFlag, has_room_for_ids, make_console, print_json, print_messages, to_json
from antiphon.cli.user_tables import variable_page, variables_table
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.v1.variable_pb2 import Variable
from antiphon.v1.variable_service_pb2 import (
    CreateVariableRequest,
    DeleteVariableRequest,
    GetVariableRequest,
    GetVariableResponse,
    ListVariablesRequest,
    SetVariableRequest,
)

app = typer.Typer(
    name="variable", add_completion=False, help="See and change values that flows share.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of a variable, as ls has it.")]


@app.callback()
def group() -> None:
    """See and change values that flows share. Not for secrets: whoever reaches the server can read them."""


@app.command("ls")
def list_variables(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 100, as_json: JsonFlag = False
) -> None:
    """List variables by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.Variable.
    """
    with ServiceClient() as client:
        request = ListVariablesRequest(order_by="name")
        variables = list(client.pages(client.variables.ListVariables, request, "variables", limit=limit))
    if as_json:
        print_messages(variables)
        return
    console = make_console()
    if variables:
        console.print(variables_table(variables, datetime.now(UTC), show_ids=has_room_for_ids(console)))
    else:
        console.print("No variables.")


@app.command()
def get(name: NameArgument) -> None:
    """Print the value of a variable, which is JSON."""
    print(_variable(name).value)


@app.command()
def inspect(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Show all about a variable. With --json: the antiphon.v1.Variable."""
    variable = _variable(name)
    if as_json:
        print_json(to_json(variable))
    else:
        make_console().print(variable_page(variable))


@app.command("set")
def set_variable(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lowercase letters, digits, dashes and underscores.")],
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="JSON, or a text: 5, '{\"a\": 1}', hello. One that begins with a dash goes behind two dashes.",
        ),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also where there is one of this name.")] = False,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A word to find it by; may be repeated.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a variable, or with --overwrite give it another value and other tags.

    With --json: the antiphon.v1.Variable.
    """
    wanted = Variable(name=name, value=_json_of(value), tags=tags or ())
    with ServiceClient() as client:
        if overwrite:
            stored = client.call(client.variables.SetVariable, SetVariableRequest(variable=wanted)).variable
        else:
            try:
                stored = client.call(client.variables.CreateVariable, CreateVariableRequest(variable=wanted)).variable
            except ObjectAlreadyExists as error:
                raise ObjectAlreadyExists(
                    f"There is a variable {name} already. Give it another value with --overwrite.",
                    code=error.code,
                    reason=error.reason,
                ) from error
    if as_json:
        print_json(to_json(stored))
    else:
        make_console().print(f"The variable {stored.name} is {stored.value} now.", markup=False)


@app.command()
def unset(name: NameArgument) -> None:
    """Delete a variable."""
    with ServiceClient() as client:
        try:
            client.call(client.variables.DeleteVariable, DeleteVariableRequest(name=name))
        except ObjectNotFound as error:
            _not_found(name, error)
    make_console().print(f"The variable {name} is deleted.", markup=False)


def _variable(name: str) -> Variable:
    """Raises ObjectNotFound, which says how to make one, or what `ServiceClient.call` raises."""
    with ServiceClient() as client:
        try:
            request = GetVariableRequest(name=name)
            answer: GetVariableResponse = client.call(client.variables.GetVariable, request)
        except ObjectNotFound as error:
            _not_found(name, error)
    return answer.variable


def _not_found(name: str, error: ObjectNotFound) -> NoReturn:
    raise ObjectNotFound(
        f"There is no variable {name}. `antiphon variable ls` has those there are, and"
        f" `antiphon variable set {name} VALUE` makes this one.",
        code=error.code,
        reason=error.reason,
    ) from error


def _json_of(typed: str) -> str:
    """What was typed where it is JSON, else as a JSON text."""
    try:
        json.loads(typed, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(typed, ensure_ascii=False)
    return typed


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)

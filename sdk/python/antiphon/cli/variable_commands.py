"""`antiphon variable`."""

from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.output import JsonFlag, show, show_list, tell
from antiphon.cli.typed_values import json_of
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
    show_list(variables, variables_table, "No variables.", as_json=as_json)


@app.command()
def get(name: NameArgument) -> None:
    """Print the value of a variable, which is JSON."""
    with ServiceClient() as client:
        print(_variable(client, name).value)


@app.command()
def inspect(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Show all about a variable. With --json: the antiphon.v1.Variable."""
    with ServiceClient() as client:
        variable = _variable(client, name)
    show(variable, lambda: variable_page(variable), as_json=as_json)


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
    wanted = Variable(name=name, value=json_of(value), tags=tags or ())
    with ServiceClient() as client:
        if overwrite:
            stored = client.call(client.variables.SetVariable, SetVariableRequest(variable=wanted)).variable
        else:
            try:
                stored = client.call(client.variables.CreateVariable, CreateVariableRequest(variable=wanted)).variable
            except ObjectAlreadyExists as error:
                raise error.in_other_words(
                    f"There is a variable {name} already. Give it another value with --overwrite."
                ) from error
    tell(stored, f"The variable {stored.name} is {stored.value} now.", as_json=as_json)


@app.command()
def unset(name: NameArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a variable. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.Variable as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        variable = _variable(client, name)
        if asks:
            confirm(f"Delete the variable {name}?")
        client.call(client.variables.DeleteVariable, DeleteVariableRequest(name=name))
    tell(variable, f"The variable {name} is deleted.", as_json=as_json)


def _variable(client: ServiceClient, name: str) -> Variable:
    """Raises ObjectNotFound, which says how to make one, or what `ServiceClient.call` raises."""
    try:
        answer: GetVariableResponse = client.call(client.variables.GetVariable, GetVariableRequest(name=name))
    except ObjectNotFound as error:
        raise error.in_other_words(
            f"There is no variable {name}. `antiphon variable ls` has those there are, and"
            f" `antiphon variable set {name} VALUE` makes this one."
        ) from error
    return answer.variable

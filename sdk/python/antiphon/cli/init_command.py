"""`antiphon init`."""

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, may_ask
from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.prompting import ask_text
from antiphon.deployments.project import RECIPES, initialize_project, missing_fields

app = typer.Typer(name="init", add_completion=False)


@app.command("init")
def init(
    name: Annotated[str | None, typer.Option("--name", help="Of the project; the folder's unless given.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help=f"One of {', '.join(RECIPES)}.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="What the recipe needs, as NAME=VALUE.")
    ] = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make this folder a project: write an antiphon.yaml and an .antiphonignore. Files that are there stay.

    With --json: an object with `files`, those that were written.
    """
    given = dict(map(_pair, fields or ()))
    recipe = recipe or "local"
    missing = missing_fields(recipe, given)
    if missing and not may_ask(yes):
        raise typer.BadParameter(f"The recipe {recipe!r} needs {', '.join(missing)}: {_as_typed(missing)}.")
    for field in missing:
        given[field] = ask_text(RECIPES[recipe][field])
    files = initialize_project(name, recipe, given)
    if as_json:
        print_json({"files": files})
        return
    written = f"{', '.join(files)} written in {Path.cwd()}." if files else "Nothing was written: the files are there."
    make_console().print(f"{written} Next: write a deployment into antiphon.yaml, and antiphon deploy.", markup=False)


def _as_typed(fields: list[str]) -> str:
    return "give " + " ".join(f"--field {field}=VALUE" for field in fields)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"--field is NAME=VALUE, such as --field branch=main, and not {text!r}.")
    return name.strip(), value

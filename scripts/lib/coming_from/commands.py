"""The standing of every command of `prefect`: whether `antiphon` has it, and which of its options it has not."""

import tomllib
from collections.abc import Iterator
from typing import Any

import typer.main

from antiphon.cli.main import app
from coming_from.standings import COMMANDS, MISSING, NAMES, SAME, Standing


def commands() -> list[Standing]:
    """Each command in the order of the file; `more` has the options that ours lacks."""
    facts: dict[str, list[str]] = tomllib.loads(NAMES.read_text())["commands"]
    ours = dict(_options_of("", typer.main.get_command(app)))
    return [
        Standing(COMMANDS, name, SAME, more=tuple(_lost(options, ours[name])))
        if name in ours
        else Standing(COMMANDS, name, MISSING)
        for name, options in facts.items()
    ]


def _lost(theirs: list[str], ours: set[str]) -> Iterator[str]:
    for option in theirs:
        spellings = option.split("/")
        # An argument by its place can be given by its name there as well.
        if not ours.intersection((*spellings, spellings[0].strip("-").replace("-", "_"))):
            yield option


# Any: Typer's commands are Click's or its own, by its version.
def _options_of(path: str, command: Any) -> Iterator[tuple[str, set[str]]]:
    """The path of a command and of all below it, with the options and the names of the arguments of each."""
    known = {spelling for each in command.params for spelling in (*each.opts, *each.secondary_opts)}
    known |= {each.name for each in command.params if each.param_type_name == "argument"}
    yield path, known
    if hasattr(command, "list_commands"):
        context = command.context_class(command)
        for name in command.list_commands(context):
            yield from _options_of(f"{path} {name}".strip(), command.get_command(context, name))

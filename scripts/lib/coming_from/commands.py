"""The standing of every command of `prefect`, and of each option that ours lacks: whether `antiphon` has it."""

import tomllib
from collections.abc import Iterator
from typing import Any

import typer.main

from antiphon.cli.main import app
from coming_from.standings import COMMANDS, MISSING, NAMES, SAME, Standing


def commands() -> list[Standing]:
    """Each command in the order of the file, before those of its options that ours lacks: `server start --ui`."""
    facts: dict[str, list[str]] = tomllib.loads(NAMES.read_text())["commands"]
    ours = dict(_options_of("", typer.main.get_command(app)))
    found: list[Standing] = []
    for name, options in facts.items():
        found.append(Standing(COMMANDS, name, SAME if name in ours else MISSING))
        if name in ours:
            found += [Standing(COMMANDS, f"{name} {each}", MISSING) for each in _lost(options, ours[name])]
    return found


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
            for spelling in (name, *(alias for alias, meant in _aliases_of(command).items() if meant == name)):
                yield from _options_of(f"{path} {spelling}".strip(), command.get_command(context, name))


def _aliases_of(group: Any) -> dict[str, str]:
    return dict(getattr(group, "aliases", {}))

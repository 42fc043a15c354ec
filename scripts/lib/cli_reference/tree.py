"""The commands of `antiphon` as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer.main

from antiphon.cli.main import app


@dataclass(frozen=True)
class Node:
    """A command or a group of commands. `command` is Typer's own, or Click's, by Typer's version."""

    #: Without `antiphon`; empty for that itself.
    path: str
    command: Any
    #: Other names of a group.
    aliases: tuple[str, ...] = ()

    @property
    def is_group(self) -> bool:
        return hasattr(self.command, "list_commands")

    @property
    def takes_json(self) -> bool:
        return any(each.name == "as_json" for each in self.command.params)


def walk(path: str = "", command: Any = None, aliases: tuple[str, ...] = ()) -> Iterator[Node]:
    """Every group and every command, each group before what is in it."""
    command = command or typer.main.get_command(app)
    yield Node(path, command, aliases)
    if hasattr(command, "list_commands"):
        context = command.context_class(command)
        for name in command.list_commands(context):
            other = tuple(alias for alias, meant in getattr(command, "aliases", {}).items() if meant == name)
            yield from walk(f"{path} {name}".strip(), command.get_command(context, name), other)

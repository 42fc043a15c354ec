"""Where answers go: a console for people, JSON for programs."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console, RenderableType

from antiphon.cli.safe_console import SafeConsole
from antiphon.settings import get_current_settings

#: For what is piped to another program: wide enough that no table cell is cut.
WIDTH_WITHOUT_TERMINAL = 1000
_WIDTH_FOR_IDS = 100


JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print JSON, by the contract's field names, and nothing else on stdout.")
]


def make_console() -> Console:
    """A console on stdout, with colours where there is a terminal and nobody said no."""
    # No emoji: in `tag:x: 1` people mean what they wrote.
    settings = get_current_settings().cli
    console = SafeConsole(
        no_color=None if settings.colors else True,
        soft_wrap=not settings.wrap_lines,
        highlight=False,
        emoji=False,
    )
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def has_room_for_ids(console: Console) -> bool:
    """Whether a table can have a column of ids. On a narrower terminal they would push out all else."""
    return console.width >= _WIDTH_FOR_IDS


def to_json(message: Message) -> dict[str, Any]:
    """A message in protobuf's JSON form, with the contract's field names. Fields that hold their default are there."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def print_json(value: Any) -> None:
    """Print a JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_messages(messages: Iterable[Message]) -> None:
    """Print messages as a JSON array."""
    print_json([to_json(message) for message in messages])


def print_line(message: Message) -> None:
    """Print a message as JSON on one line, at once."""
    print(json.dumps(to_json(message), ensure_ascii=False), flush=True)


def tell(message: Message, words: str, *, as_json: bool) -> None:
    """Print what came of a command: for people a line, or as JSON what it is about."""
    if as_json:
        print_json(to_json(message))
    else:
        make_console().print(words, markup=False, soft_wrap=True)


def show(message: Message, page: Callable[[], RenderableType], *, as_json: bool) -> None:
    """Print all about one thing."""
    if as_json:
        print_json(to_json(message))
    else:
        make_console().print(page())


def show_list(messages: Sequence[Any], table: Callable[..., RenderableType], nothing: str, *, as_json: bool) -> None:
    """Print a list: `table(messages, now, show_ids=...)`, or `nothing` where it is empty, or JSON."""
    if as_json:
        print_messages(messages)
        return
    console = make_console()
    if messages:
        console.print(table(messages, datetime.now(UTC), show_ids=has_room_for_ids(console)))
    else:
        console.print(nothing, markup=False, soft_wrap=True)


def write_text(file: Path, text: str) -> None:
    """Write a file that was named on the command line. Raises typer.BadParameter."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror or error}.") from error

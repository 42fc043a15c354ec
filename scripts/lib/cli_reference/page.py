"""`docs/cli.md`: what is written by hand above, and every command with every option below."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli_reference.tree import Node, walk

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "cli.md"
#: What stands above it is written by hand.
MARK = "<!-- What follows is written by scripts/generate. -->\n"

#: Told once, above: a command that has them says what its JSON is.
_EVERYWHERE = ("as_json", "output")


def render() -> str:
    """The whole page as it should be."""
    head = PAGE.read_text().partition(MARK)[0]
    return head + MARK + "\n" + "\n".join(line for node in walk() for line in _section(node))


def _section(node: Node) -> Iterator[str]:
    name = f"antiphon {node.path}".strip()
    yield f"{'##' if node.is_group else '###'} `{name}`"
    yield ""
    yield from _help(node)
    if node.aliases:
        yield f"Also: {', '.join(f'`{alias}`' for alias in node.aliases)}."
        yield ""
    if not node.is_group:
        yield "```"
        yield " ".join([name, "[OPTIONS]", *_arguments(node.command)])
        yield "```"
        yield ""
    shown = (
        each for each in node.command.params if each.name not in _EVERYWHERE and not getattr(each, "hidden", False)
    )
    rows = [row for each in shown for row in _rows(each)]
    if rows:
        yield from ("| | |", "| --- | --- |", *rows, "")


def _help(node: Node) -> Iterator[str]:
    for paragraph in inspect.cleandoc(node.command.help or "").split("\n\n"):
        yield " ".join(paragraph.split()).replace("<", "\\<")
        yield ""


def _arguments(command: Any) -> Iterator[str]:
    for each in command.params:
        if each.param_type_name == "argument":
            yield _argument(each)


def _argument(parameter: Any) -> str:
    """`RUN`, `RUN...` where there may be several, in brackets where it may be left out."""
    name = parameter.metavar or parameter.name.upper()
    return (name if parameter.required else f"[{name}]") + ("..." if parameter.nargs == -1 else "")


def _rows(parameter: Any) -> Iterator[str]:
    about = (parameter.help or "").replace("|", "\\|").replace("<", "\\<")
    if parameter.param_type_name == "argument":
        yield f"| `{_argument(parameter)}` | {about} |"
        return
    spellings = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    needed = " Needed." if parameter.required else ""
    yield f"| {spellings}{_value(parameter)} | {about}{needed}{_default(parameter)} |"


def _value(option: Any) -> str:
    if option.is_flag or getattr(option, "count", False):
        return ""
    return f" `{option.metavar}`" if option.metavar else ""


def _default(option: Any) -> str:
    if option.default in (None, "", (), []) or option.required:
        return ""
    value = getattr(option.default, "value", option.default)
    if option.is_flag:
        # What is merely given or not needs no word; of a pair it is said which of the two holds.
        if not option.secondary_opts:
            return ""
        value = (option.opts if value else option.secondary_opts)[0]
    return f" Default: `{value}`."

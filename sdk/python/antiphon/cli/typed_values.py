"""Values as people type them on a command line: JSON, or a text where it is none."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from antiphon.payloads import JSON, make_payload
from antiphon.v1.payload_pb2 import Payload

ParamOption = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="An argument, its value JSON or a text; may be repeated."),
]
ParamsOption = Annotated[
    str | None,
    typer.Option("--params", metavar="JSON", help="Arguments as a JSON object; - reads it from the standard input."),
]


def json_of(typed: str) -> str:
    """What was typed where it is JSON, else as a JSON text."""
    try:
        json.loads(typed, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(typed, ensure_ascii=False)
    return typed


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def parameters_of(pairs: Sequence[str], text: str | None) -> Payload | None:
    """The arguments that `--param` and `--params` give together; None where neither was given.

    Raises typer.BadParameter for what cannot be read, and for a name that is given twice.
    """
    if not pairs and text is None:
        return None
    return make_payload(JSON, json.dumps(arguments_of(pairs, text), ensure_ascii=False).encode())


def arguments_of(pairs: Sequence[str], text: str | None) -> dict[str, Any]:
    """As `parameters_of`, as values by name."""
    values = object_of(text_of(text, "--params"), "--params") if text is not None else {}
    for name, value in pairs_of(pairs, "--param").items():
        if name in values:
            raise typer.BadParameter(f"The argument {name!r} is given by --param and by --params; give it once.")
        values[name] = value
    return values


def text_of(typed: str, option: str) -> str:
    """What was typed, or what the standard input has for `-`. Raises typer.BadParameter."""
    if typed != "-":
        return typed
    if sys.stdin is None:
        raise typer.BadParameter(f"{option} - reads the standard input, and that is closed.")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{option} - reads text, and the standard input has none: {error}.") from error


def pairs_of(pairs: Sequence[str], option: str) -> dict[str, Any]:
    """What `NAME=VALUE` says, each value JSON or a text. Raises typer.BadParameter."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, typed = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} {pair!r} has no name and value; write NAME=VALUE.")
        _add(values, {name: json.loads(json_of(typed))}, option)
    return values


def pairs_or_objects_of(given: Sequence[str], option: str) -> dict[str, Any]:
    """As `pairs_of`, where each may be a JSON object too."""
    values: dict[str, Any] = {}
    for each in given:
        _add(values, object_of(each, option) if each.lstrip().startswith("{") else pairs_of([each], option), option)
    return values


def _add(values: dict[str, Any], more: dict[str, Any], option: str) -> None:
    for name in more:
        if name in values:
            raise typer.BadParameter(f"{option} gives {name!r} twice; give it once.")
    values.update(more)


def object_of(text: str, option: str) -> dict[str, Any]:
    """The JSON object that a text is. Raises typer.BadParameter."""
    try:
        values = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{option} is no JSON: {error}. Write an object such as '{{\"x\": 1}}'.") from None
    if not isinstance(values, dict):
        raise typer.BadParameter(f"{option} has to be a JSON object, such as '{{\"x\": 1}}': a value for each name.")
    return values

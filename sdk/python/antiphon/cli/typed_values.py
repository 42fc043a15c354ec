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
    values = _json_object(sys.stdin.read() if text == "-" else text) if text is not None else {}
    for name, value in pairs_of(pairs, "--param").items():
        if name in values:
            raise typer.BadParameter(f"The argument {name!r} is given by --param and by --params; give it once.")
        values[name] = value
    return make_payload(JSON, json.dumps(values, ensure_ascii=False).encode())


def pairs_of(pairs: Sequence[str], option: str) -> dict[str, Any]:
    """What `NAME=VALUE` says, each value JSON or a text. Raises typer.BadParameter."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, typed = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} {pair!r} has no name and value; write NAME=VALUE.")
        if name in values:
            raise typer.BadParameter(f"{option} gives {name!r} twice; give it once.")
        values[name] = json.loads(json_of(typed))
    return values


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"--params is no JSON: {error}. Write an object such as '{{\"x\": 1}}'.") from None
    if not isinstance(values, dict):
        raise typer.BadParameter("--params has to be a JSON object, such as '{\"x\": 1}': a value for each name.")
    return values

"""JSON schemas of what a paused run asks for, and of what a flow is called with, and whether a value fits. The library
is loaded at the first one that comes: a server that starts for one hello must not wait for it."""

import asyncio
import importlib
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from antiphon.v1 import payload_pb2
from antiphon_server.application import input_fitting
from antiphon_server.domain.errors import InvalidArgument

_JSON = "json/plain"
#: Objects and lists in a schema. Each costs a fifth of a millisecond in which the server does nothing else.
MOST_PARTS = 1_000
#: Characters of all regular expressions of a schema; compiling one may cost a millisecond each.
MOST_PATTERN_CHARACTERS = 2_000
#: Steps of a look at a value that the server takes by itself, of about ten microseconds each; bytes of a value that may
#: ask for all of them once more; and keys of a schema that may ask for any number.
MOST_STEPS, _BYTES_OF_STEP = 5_000, 500
_COSTLY = frozenset({"pattern", "patternProperties", "uniqueItems", "$dynamicRef", "contains", "unevaluatedItems"})
_MOST_STEPS_OF_KEY = MOST_STEPS
#: Seconds of processor time for the look at one answer.
FITTING_SECONDS = 3
#: Seconds until it is given up where the machine has other things to do.
_PATIENCE = 60.0


def check_schema(text: str, field: str, reason: str = "INPUT_SCHEMA_INVALID") -> None:
    """Raises InvalidArgument (`reason`), which names `field`, for a text that is no JSON schema."""
    try:
        schema = json.loads(text, parse_constant=input_fitting.no_constant)
        if not isinstance(schema, dict | bool):
            raise ValueError("it is neither an object nor true or false")
        _check_cost(schema)
        _kind_of(schema).check_schema(schema)
    except _library().exceptions.SchemaError as error:
        why = f"{_path(error.absolute_path, '$')}: {error.message}"
    except (ValueError, RecursionError, OverflowError, re.error) as error:
        why = str(error)
    else:
        return
    raise InvalidArgument(reason, f"{field} is no JSON schema: {why}", field=field)


def check_parameter_schema(text: str, field: str) -> None:
    """Raises InvalidArgument (PARAMETER_SCHEMA_INVALID), which names `field`, for what is no schema of an object."""
    check_schema(text, field, "PARAMETER_SCHEMA_INVALID")
    if not isinstance(json.loads(text), dict):
        raise InvalidArgument("PARAMETER_SCHEMA_INVALID", f"{field} is no JSON schema of an object", field=field)


async def check_parameters(schema: str, parameters: bytes | None, field: str, *, complete: bool) -> None:
    """Raises InvalidArgument (PARAMETERS_INVALID) for arguments, a serialized payload of a JSON object, that do not fit
    `schema`, which was checked before. Unless they are `complete`, more of them may come."""
    kept = json.loads(schema)
    if not complete:
        kept.pop("required", None)
    data = payload_pb2.Payload.FromString(parameters).data if parameters is not None else b"{}"
    if fits_in_process(kept, len(data)):
        misfit = input_fitting.misfit(kept, data)
    else:
        said = await _fitting(json.dumps(kept).encode(), data)
        late = f"they cannot be checked within {FITTING_SECONDS} s; deploy with a simpler schema"
        misfit = json.loads(said) if said is not None else {"message": late, "path": []}
    if misfit is not None:
        place = _path(misfit["path"], field)
        raise InvalidArgument(
            "PARAMETERS_INVALID", f"{place} does not fit the deployment's schema: {misfit['message']}", field=place
        )


async def check_input(schema: str, payload: payload_pb2.Payload | None, field: str) -> None:
    """Raises InvalidArgument (INPUT_INVALID) for what does not fit `schema`, which was checked before; it names the
    place below `field`. A process of its own does it, since it may be without end: see `input_fitting`."""
    if payload is None:
        raise _input_invalid("none was sent; send {} where its defaults will do", field)
    said = await _fitting(schema.encode(), _json_of(payload, field))
    if said is None:
        raise _input_invalid(
            f"it cannot be checked within {FITTING_SECONDS} s; pause with a simpler schema, or send a smaller answer",
            field,
        )
    misfit = json.loads(said)
    if misfit is not None:
        raise _input_invalid(misfit["message"], _path(misfit["path"], field))


async def _fitting(schema: bytes, data: bytes) -> bytes | None:
    """What the process says, or None where that came to no end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", input_fitting.__file__, str(len(schema)), str(FITTING_SECONDS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(schema + data), _PATIENCE)
    except TimeoutError:
        return None
    finally:
        # Also where the caller has gone.
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said if process.returncode == 0 else None


def _json_of(payload: payload_pb2.Payload, field: str) -> bytes:
    encoding = payload.metadata.get("encoding", "")
    if encoding == "binary/null":
        return b"null"
    if encoding != _JSON:
        raise _input_invalid(f"it must be JSON ({_JSON}), and is {encoding or 'without an encoding'}", field)
    return payload.data


def fits_in_process(schema: Any, size: int) -> bool:
    """Whether a look at a value of `size` bytes is sure to be short: the schema asks for no regular expressions and no
    comparisons of all with all, and its references multiply it by little."""
    costs: dict[int, int] = {}

    def cost(part: Any, below: tuple[int, ...]) -> int:
        if not isinstance(part, dict | list):
            return 0
        if id(part) in below:
            return MOST_STEPS  # It refers to itself, so how deep it goes is up to the value.
        known = costs.get(id(part))
        if known is None:
            below = (*below, id(part))
            parts = part.values() if isinstance(part, dict) else part
            known = 1 + sum(cost(each, below) for each in parts if costs.get(id(part), 0) < MOST_STEPS)
            if isinstance(part, dict):
                known += _MOST_STEPS_OF_KEY * bool(part.keys() & _COSTLY)
                known += cost(_referred(schema, part.get("$ref")), below)
            costs[id(part)] = min(known, MOST_STEPS)
        return costs[id(part)]

    return cost(schema, ()) * max(size // _BYTES_OF_STEP, 1) < MOST_STEPS


def _referred(schema: Any, reference: Any) -> Any:
    """The part of the schema that a reference within it means; None where that is not told by a plain path."""
    if not isinstance(reference, str):
        return None
    part = schema
    for step in reference.removeprefix("#/").split("/"):
        part = part.get(step) if isinstance(part, dict) else None
    return part


def _check_cost(schema: Any) -> None:
    """Raises ValueError for what takes so long to check that others would notice."""
    parts = pattern_characters = 0
    left = [schema]
    while left:
        part = left.pop()
        if not isinstance(part, dict | list):
            continue
        parts += 1
        if isinstance(part, dict):
            pattern_characters += sum(len(pattern) for pattern in _patterns(part))
        left.extend(part.values() if isinstance(part, dict) else part)
    if parts > MOST_PARTS:
        raise ValueError(f"it has {parts} objects and lists, and may have {MOST_PARTS}")
    if pattern_characters > MOST_PATTERN_CHARACTERS:
        raise ValueError(
            f"its regular expressions have {pattern_characters} characters, and may have {MOST_PATTERN_CHARACTERS}"
        )


def _patterns(part: dict[str, Any]) -> Iterable[str]:
    pattern, properties = part.get("pattern"), part.get("patternProperties")
    if isinstance(pattern, str):
        yield pattern
    if isinstance(properties, dict):
        yield from properties


def _input_invalid(why: str, field: str) -> InvalidArgument:
    return InvalidArgument("INPUT_INVALID", f"{field} is not what the pause asks for: {why}", field=field)


def _path(steps: Iterable[str | int], root: str) -> str:
    """Where in the value the error is, such as `input.cities[2]`."""
    path = root
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _kind_of(schema: Any) -> Any:
    """Raises ValueError where its `$schema` cannot name one."""
    library = _library()
    if isinstance(schema, dict) and not isinstance(schema.get("$schema", ""), str):
        raise ValueError("its $schema is not a text")
    return library.validators.validator_for(schema, default=library.Draft202012Validator)


@cache
def _library() -> Any:
    return importlib.import_module("jsonschema")

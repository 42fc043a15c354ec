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
#: Steps of a look at a value that the server takes by itself, of some ten microseconds each, and entries of a list or
#: an object in a schema that cost one.
MOST_STEPS, _ENTRIES_OF_STEP = 5_000, 4
#: Keys of a schema that may ask for any number of steps, or that change what its references mean.
_COSTLY = frozenset(
    {"pattern", "patternProperties", "uniqueItems", "contains", "unevaluatedItems", "unevaluatedProperties"}
    | {"$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "extends"}
)
#: Drafts in which `id` does what `$id` does now.
_OLD_DRAFTS = ("draft-03", "draft-04")
#: What a schema says of an object as a whole, which more arguments may make true.
_OF_THE_WHOLE = (
    *("required", "minProperties", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "const", "enum", "$ref", "$dynamicRef", "$recursiveRef"),
)
#: Characters of what is said of one value.
_MOST_SAID = 500
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
        kept = {key: value for key, value in kept.items() if key not in _OF_THE_WHOLE}
    data = payload_pb2.Payload.FromString(parameters).data if parameters is not None else b"{}"
    misfit = await _misfit(kept, data, field)
    if misfit is not None:
        place, why = misfit
        raise InvalidArgument(
            "PARAMETERS_INVALID",
            f"{place} does not fit the deployment's parameter schema: {why}; send what fits, GetDeployment has the "
            "schema",
            field=place,
        )


async def check_job_variables(schema: dict[str, Any], variables: dict[str, Any], field: str) -> None:
    """Raises InvalidArgument (JOB_VARIABLES_INVALID) for variables that do not fit `schema`, which was checked
    before."""
    misfit = await _misfit(schema, json.dumps(variables).encode(), field)
    if misfit is not None:
        place, why = misfit
        raise InvalidArgument(
            "JOB_VARIABLES_INVALID",
            f"{place} does not fit the job template of the work pool: {why}; send what fits, GetWorkPool has the "
            "template",
            field=place,
        )


async def _misfit(schema: dict[str, Any], data: bytes, field: str) -> tuple[str, str] | None:
    """Where below `field` a JSON value does not fit, and why; None where it does."""
    if fits_in_process(schema, data):
        found = input_fitting.misfit(schema, data)
    else:
        said = await _fitting(json.dumps(schema).encode(), data)
        late = f"they cannot be checked within {FITTING_SECONDS} s; deploy with a simpler schema"
        found = json.loads(said) if said is not None else {"message": late, "path": []}
    return (_path(found["path"], field), _shortened(found["message"])) if found is not None else None


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


def fits_in_process(schema: Any, data: bytes) -> bool:
    """Whether a look at a value, as JSON, is sure to be short: every value in it may meet every part of the schema, the
    schema asks for no regular expressions and no comparisons of all with all, and its references multiply it by
    little."""
    # No fewer than it has: commas in texts count too.
    values = 1 + sum(data.count(mark) for mark in (b",", b"[", b"{"))
    try:
        return _cost(schema, schema, {}, ()) * values < MOST_STEPS
    except RecursionError:
        return False


def _cost(part: Any, whole: Any, costs: dict[int, int], below: tuple[int, ...]) -> int:
    """Steps for one value that meets `part` of the schema `whole`. `costs` are those of the parts that are known, by
    their identity, and `below` the parts around."""
    if not isinstance(part, dict | list):
        return 0
    if id(part) in below:
        return MOST_STEPS  # It refers to itself, so how deep it goes is up to the value.
    if id(part) not in costs:
        around = (*below, id(part))
        parts: Iterable[Any] = part
        known = 1 + len(part) // _ENTRIES_OF_STEP
        if isinstance(part, dict):
            parts = part.values()
            known += MOST_STEPS * (not part.keys().isdisjoint(_COSTLY) or _is_old(part))
            if "$ref" in part:
                referred = _referred(whole, part["$ref"])
                known += _cost(referred, whole, costs, around) if referred is not None else MOST_STEPS
        costs[id(part)] = min(known + sum(_cost(each, whole, costs, around) for each in parts), MOST_STEPS)
    return costs[id(part)]


def _is_old(part: dict[str, Any]) -> bool:
    return any(draft in str(part.get("$schema", "")) for draft in _OLD_DRAFTS)


def _referred(schema: Any, reference: Any) -> Any | None:
    """The part of the schema that a reference of it means; None where that is not told by a plain path."""
    if not isinstance(reference, str) or not reference.startswith("#") or not reference.isascii():
        return None
    part = schema
    for step in reference[1:].split("/")[1:]:
        part = part.get(step) if isinstance(part, dict) and not {"%", "~"} & set(step) else None
    return part if reference == "#" or reference.startswith("#/") else None


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


def _shortened(text: str) -> str:
    """What the library says repeats the value, which may be long."""
    return text if len(text) <= _MOST_SAID else f"{text[: _MOST_SAID // 2]} ... {text[-_MOST_SAID // 2 :]}"


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

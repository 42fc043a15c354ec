"""JSON schemas of what a paused run asks for, and whether an answer fits. The library is loaded at the first one that
comes: a server that starts for one hello must not wait for it."""

import importlib
import json
from functools import cache
from typing import Any, NoReturn

from antiphon.v1 import payload_pb2
from antiphon_server.domain.errors import InvalidArgument

_JSON = "json/plain"


def check_schema(text: str, field: str) -> None:
    """Raises InvalidArgument (INPUT_SCHEMA_INVALID), which names `field`, for a text that is no JSON schema."""
    try:
        schema = json.loads(text, parse_constant=_no_constant)
        if not isinstance(schema, dict | bool):
            raise ValueError("it is neither an object nor true or false")
        _kind_of(schema).check_schema(schema)
    except _library().exceptions.SchemaError as error:
        raise _schema_invalid(f"{_path(error, '$')}: {error.message}", field) from None
    except (ValueError, RecursionError) as error:
        raise _schema_invalid(str(error), field) from None


def check_input(schema: str, payload: payload_pb2.Payload | None, field: str) -> None:
    """Raises InvalidArgument (INPUT_INVALID) for what does not fit `schema`, which was checked before; it names the
    place below `field`."""
    if payload is None:
        raise _input_invalid("none was sent; send {} where its defaults will do", field)
    value = _value(payload, field)
    library = _library()
    parsed = json.loads(schema)
    # Its registry is empty: what a schema refers to elsewhere must not make the server call there.
    registry = importlib.import_module("referencing").Registry()
    validator = _kind_of(parsed)(parsed, registry=registry)
    try:
        error = library.exceptions.best_match(validator.iter_errors(value))
    except RecursionError:
        raise _input_invalid("it is nested too deeply to be checked", field) from None
    except importlib.import_module("referencing.exceptions").Unresolvable as unknown:
        raise _input_invalid(f"the schema refers to {unknown.ref}, which it does not define", field) from None
    if error is not None:
        raise _input_invalid(error.message, _path(error, field))


def _value(payload: payload_pb2.Payload, field: str) -> Any:
    encoding = payload.metadata.get("encoding", "")
    if encoding == "binary/null":
        return None
    if encoding != _JSON:
        raise _input_invalid(f"it must be JSON ({_JSON}), and is {encoding or 'without an encoding'}", field)
    try:
        return json.loads(payload.data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _input_invalid(f"its data is no JSON: {error}", field) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _schema_invalid(why: str, field: str) -> InvalidArgument:
    return InvalidArgument("INPUT_SCHEMA_INVALID", f"{field} is no JSON schema: {why}", field=field)


def _input_invalid(why: str, field: str) -> InvalidArgument:
    return InvalidArgument("INPUT_INVALID", f"{field} is not what the pause asks for: {why}", field=field)


def _path(error: Any, root: str) -> str:
    """Where in the value the error is, such as `input.cities[2]`."""
    path = root
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _kind_of(schema: Any) -> Any:
    library = _library()
    return library.validators.validator_for(schema, default=library.Draft202012Validator)


@cache
def _library() -> Any:
    return importlib.import_module("jsonschema")

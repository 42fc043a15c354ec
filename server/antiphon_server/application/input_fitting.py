"""A program of its own, which `input_schemas` starts: says whether the answer to a pause fits the schema of the pause.

What people write as a schema may be without end to check, such as a regular expression that goes back and forth; Python
holds its interpreter meanwhile, and with it the whole server. A process can be killed.

Standard input is the schema, `sys.argv[1]` bytes of it, and then the answer. Standard output is null if that fits, or
`{"message": why not, "path": [steps to the place that is wrong]}`. A check that takes more than `sys.argv[2]` seconds
of processor time ends with a signal.
"""

import importlib
import json
import os
import re
import resource
import sys
from collections.abc import Callable
from datetime import datetime, time
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

#: Behind the server, whose calls wait.
_NICE = 10
#: What jsonschema raises where a reference leads to something that is no schema.
_NO_SCHEMA = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, re.error)


def main() -> None:
    seconds = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.nice(_NICE)
    text = sys.stdin.buffer.read()
    size = int(sys.argv[1])
    json.dump(misfit(json.loads(text[:size]), text[size:]), sys.stdout)


def misfit(schema: Any, data: bytes) -> dict[str, Any] | None:
    """What is wrong with a value, as JSON, or None where it fits."""
    try:
        value = json.loads(data, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        return _said(f"its data is no JSON: {error}")
    # Not above, since the server imports this file and must not wait for them.
    library = importlib.import_module("jsonschema")
    referencing = importlib.import_module("referencing")
    kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
    try:
        # Its registry is empty: what a schema refers to elsewhere must not make the server call there.
        validator = kind(schema, registry=referencing.Registry(), format_checker=_formats(library))
        found = library.exceptions.best_match(validator.iter_errors(value))
    except RecursionError:
        return _said("it is nested too deeply to be checked")
    except referencing.exceptions.Unresolvable as unknown:
        return _said(f"the schema refers to {unknown.ref}, which it does not define")
    except library.exceptions.UnknownType as unknown:
        return _said(f"the schema cannot be applied to it: it has the unknown type {unknown.type!r}")
    except _NO_SCHEMA as wrong:
        return _said(f"the schema cannot be applied to it: {wrong}")
    return None if found is None else _said(found.message, *found.absolute_path)


def _formats(library: Any) -> Any:
    """Looks at the formats that types of Python have. What reads the value later may take other spellings than RFC 3339
    has, so that only what no reader takes is refused; numbers are seconds since 1970."""
    checker = library.FormatChecker(formats=())
    for name, read in (("date", _moment), ("date-time", _moment), ("time", time.fromisoformat), ("uuid", UUID)):
        checker.checks(name, raises=ValueError)(partial(_can_read, read))
    return checker


def _can_read(read: Callable[[str], Any], value: Any) -> bool:
    """Raises ValueError for a text that cannot be read; formats say nothing of other values."""
    if isinstance(value, str):
        read(value)
    return True


def _moment(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _said(message: str, *path: str | int) -> dict[str, Any]:
    return {"message": message, "path": path}


def no_constant(name: str) -> NoReturn:
    """For `json.loads`: NaN and the infinities are Python's own."""
    raise ValueError(f"{name} is not JSON")


if __name__ == "__main__":
    main()

"""Variables: named JSON values that flows and people share, kept by the server.

Each function serves sync and async code: in an async flow, and where an event loop runs outside of flows, it gives a
coroutine. Its twin with an `a` before the name always does.
"""

import json
import re
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from antiphon.engine.dual import Work, awaitable_of_class, dual
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.option_checks import checked_tags
from antiphon.text_limits import encodable
from antiphon.types import MAX_VARIABLE_NAME_LENGTH, MAX_VARIABLE_VALUE_LENGTH
from antiphon.v1 import variable_pb2
from antiphon.v1.variable_service_pb2 import (
    CreateVariableRequest,
    CreateVariableResponse,
    DeleteVariableRequest,
    DeleteVariableResponse,
    GetVariableRequest,
    GetVariableResponse,
    SetVariableRequest,
    SetVariableResponse,
)

__all__ = ["T", "Variable"]

_NAME = re.compile("[a-z0-9_-]+")

#: What JSON can say.
StrictVariableValue: TypeAlias = StrictStr | StrictBool | StrictInt | StrictFloat | dict[str, Any] | list[Any] | None
T = TypeVar("T", bound=StrictVariableValue)


class Variable(BaseModel, Generic[T]):
    """A named value: text, a number, a bool, None, or lists and dicts of them."""

    name: str = Field(max_length=MAX_VARIABLE_NAME_LENGTH)
    value: StrictVariableValue
    tags: list[str] | None = None

    @classmethod
    @dual
    def get(cls, name: str, default: Any = None) -> Work[Any]:
        """Return the value of a variable, or `default` where there is none of that name.

        Raises TypeError for a name that is no text, ServerError.
        """
        request = GetVariableRequest(name=_text(name))
        try:
            answer = yield from call_server(lambda client: client.variables.GetVariable, request, GetVariableResponse)
        except ObjectNotFound:
            return default
        return json.loads(answer.variable.value)

    aget = awaitable_of_class(get)

    @classmethod
    @dual
    def set(
        cls, name: str, value: StrictVariableValue, tags: list[str] | None = None, overwrite: bool = False
    ) -> "Work[Variable[Any]]":
        """Make a variable, and return it as it was stored: tuples are lists then, and times and UUIDs are texts.

        With `overwrite`, one that is there gets this value and these tags, in one step. The name has at most 255
        lowercase letters, digits, dashes and underscores, the value at most 5,000 characters of JSON.

        Raises ValueError where the variable is there already, and for a name or a value that cannot be; TypeError for
        tags that are no list of texts; ServerError.
        """
        wanted = variable_pb2.Variable(name=_checked_name(name), value=_as_json(value), tags=_checked_tags(tags))
        if overwrite:
            request = SetVariableRequest(variable=wanted)
            stored = yield from call_server(lambda client: client.variables.SetVariable, request, SetVariableResponse)
            return cls._of(stored.variable)
        new = CreateVariableRequest(variable=wanted)
        try:
            made = yield from call_server(lambda client: client.variables.CreateVariable, new, CreateVariableResponse)
        except ObjectAlreadyExists as error:
            raise ValueError(
                f"There is a variable {name!r} already. Use overwrite=True to give it another value."
            ) from error
        return cls._of(made.variable)

    aset = awaitable_of_class(set)

    @classmethod
    @dual
    def unset(cls, name: str) -> Work[bool]:
        """Delete a variable. Return whether there was one of that name.

        Raises TypeError for a name that is no text, ServerError.
        """
        request = DeleteVariableRequest(name=_text(name))
        try:
            yield from call_server(lambda client: client.variables.DeleteVariable, request, DeleteVariableResponse)
        except ObjectNotFound:
            return False
        return True

    aunset = awaitable_of_class(unset)

    @classmethod
    def _of(cls, message: variable_pb2.Variable) -> "Variable[Any]":
        return cls(name=message.name, value=json.loads(message.value), tags=list(message.tags))


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"The name of a variable is text, not {type(name).__name__}: {name!r}.")
    return encodable(name)


def _checked_name(name: Any) -> str:
    if not _NAME.fullmatch(_text(name)) or len(name) > MAX_VARIABLE_NAME_LENGTH:
        raise ValueError(
            f"The name of a variable is 1 to {MAX_VARIABLE_NAME_LENGTH} lowercase letters, digits, dashes and"
            f" underscores, such as db_url, and {name[:40]!r} is not."
        )
    return str(name)


def _checked_tags(tags: Any) -> list[str]:
    """In their order, each once. Raises as `checked_tags`."""
    checked_tags(tags)
    return list(dict.fromkeys(map(encodable, tags or ())))


def _as_json(value: Any) -> str:
    """The value as JSON. Raises ValueError where it is none, or too long."""
    try:
        text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"The value of a variable is what JSON can say, and this is not: {error}. Give text, numbers, bools, None,"
            " and lists and dicts of them; of a Pydantic model its model_dump(mode='json')."
        ) from error
    if not text.isascii() and encodable(text) != text:
        # Half a surrogate pair, which JSON can only say by an escape.
        text = json.dumps(json.loads(text))
    if len(text) > MAX_VARIABLE_VALUE_LENGTH:
        raise ValueError(
            f"The value of a variable has at most {MAX_VARIABLE_VALUE_LENGTH:,} characters of JSON, and this has"
            f" {len(text):,}. Keep it in a file or in object storage, and its address in the variable."
        )
    return text


def _plain(value: Any) -> Any:
    """The value in the types that JSON has. Raises TypeError where that would lose something."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"keys are text, and {key!r} is {type(key).__name__}")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({each.name: getattr(value, each.name) for each in fields(value)})
    raise TypeError(f"{type(value).__name__} is not in JSON")

"""Digests of values, for cache keys: equal values have equal digests, in any process."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from antiphon.exceptions import HashError, SerializationError
from antiphon.payloads import PICKLE, pickled, type_name


def hash_objects(*args: Any, **kwargs: Any) -> str:
    """Return a digest of 32 hexadecimal digits.

    Values that JSON can say, with dataclasses, Pydantic models, times, paths, sets and enums among them, are told apart
    by their contents, and the order of dicts and sets does not count. Anything else is told apart by its pickle.
    Raises HashError for what cannot be pickled either.
    """
    try:
        text = _encoder.encode([_keyed(args), _keyed(kwargs)]).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        try:
            text = PICKLE.encode() + pickled([args, kwargs])
        except SerializationError as error:
            raise HashError(f"A value cannot be told apart from others: {error.__cause__ or error}.") from error
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """What stands for an object that JSON does not know. Raises TypeError for what only a pickle can tell."""
    kind = type(value)
    for known, say in _SAYERS.items():
        if isinstance(value, known):
            return [type_name(value), _keyed(say(value))]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [type_name(value), {each.name: _keyed(getattr(value, each.name)) for each in dataclasses.fields(value)}]
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields"):
        return [type_name(value), _keyed(dict(value))]
    raise TypeError(f"{kind.__name__} has no JSON")


def _keyed(value: Any) -> Any:
    """The value with dicts whose keys are no texts as lists of pairs: JSON would make one of 1 and "1"."""
    kind = type(value)
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: _keyed(each) for key, each in value.items()}
        pairs = [[_encoder.encode(_keyed(key)), _keyed(each)] for key, each in value.items()]
        return ["dict", sorted(pairs, key=lambda pair: pair[0])]
    if kind is list or kind is tuple:
        return [_keyed(each) for each in value]
    return value


def _members(value: Any) -> list[str]:
    return sorted(_encoder.encode(_keyed(each)) for each in value)


#: Enums before numbers and texts: some are both.
_SAYERS: dict[type | tuple[type, ...], Callable[[Any], Any]] = {
    Enum: lambda value: value.name,
    (set, frozenset): _members,
    (datetime, date, time): lambda value: value.isoformat(),
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    (UUID, Decimal, PurePath): str,
    (bytes, bytearray): lambda value: value.hex(),
}

_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain)

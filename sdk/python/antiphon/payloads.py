"""Values to bytes and back: `Payload{metadata, data}` with `metadata["encoding"]`.

Plain data travels as JSON, which every language reads; anything else as a pickle, which only Python reads. JSON is
taken only where the value comes back exactly as it was: a tuple or an `IntEnum` would not, so it is pickled.
"""

import importlib
import io
import json
import math
import pickle
import sys
from collections.abc import Mapping
from typing import Any, Final

import cloudpickle  # type: ignore[import-untyped]  # it ships no types

from antiphon.exceptions import SerializationError
from antiphon.v1.payload_pb2 import Payload

JSON: Final = "json/plain"
PICKLE: Final = "binary/cloudpickle"
NULL: Final = "binary/null"
REFERENCE: Final = "json/reference"

#: Integers beyond this lose digits in languages whose only number is a double.
MAX_JSON_INTEGER: Final = 2**53 - 1
#: Deeper nesting is pickled: JSON readers may refuse it, and a structure that contains itself has no end.
MAX_JSON_DEPTH: Final = 60
#: More lists and dicts than this are pickled: walking them costs more than it gives.
MAX_JSON_CONTAINERS: Final = 50_000

_SCALARS = frozenset({str, int, float, bool, type(None)})
#: Types whose every value JSON keeps; the others (int, float) depend on the value.
_ALWAYS_EXACT = frozenset({str, bool, type(None)})
_TEXT_KEYS = frozenset({str})

# check_circular is not needed: depth is bounded before anything is encoded.
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode


def _template(encoding: str) -> bytes:
    return Payload(metadata={"encoding": encoding}).SerializeToString(deterministic=True)


#: Merging a serialised template costs a third of building the metadata map anew.
_TEMPLATES: Mapping[str, bytes] = {each: _template(each) for each in (JSON, PICKLE, NULL, REFERENCE)}


def make_payload(encoding: str, data: bytes) -> Payload:
    """Return a payload of one of this module's encodings."""
    payload = Payload(data=data)
    payload.MergeFromString(_TEMPLATES[encoding])
    return payload


def encoding_of(payload: Payload) -> str:
    """Return the name of a payload's encoding; empty if it does not say."""
    return payload.metadata.get("encoding", "")


def encode(value: Any) -> Payload:
    """Return the value as a payload.

    Raises SerializationError, naming the type and the cause, where it can be neither JSON nor a pickle.
    """
    return make_payload(*to_bytes(value))


def decode(payload: Payload) -> Any:
    """Return the value that a payload holds.

    Raises SerializationError where the encoding is not known here, the value is kept elsewhere (`json/reference`: use
    `antiphon.results.load`), or the bytes cannot be turned into a value.
    """
    return from_bytes(encoding_of(payload), payload.data)


def to_bytes(value: Any) -> tuple[str, bytes]:
    """Return a value's encoding and its bytes; as `encode`, without the copy that a payload makes."""
    if value is None:
        return NULL, b""
    text = _exact_json(value)
    return (JSON, text) if text is not None else (PICKLE, _pickle(value))


def to_bytes_within(value: Any, limit: int) -> tuple[str, bytes] | None:
    """As `to_bytes`, or None for what takes more than `limit` bytes. A large value costs little more than a small one.

    Raises SerializationError as `encode`, where that is found out within the limit.
    """
    if value is None:
        return NULL, b""
    kind = type(value)
    if kind in _LEAST_SHARE and sys.getsizeof(value) > limit * _LEAST_SHARE[kind]:
        return None
    text = _exact_json(value)
    if text is not None:
        return (JSON, text) if len(text) <= limit else None
    try:
        return PICKLE, _pickle(value, limit)
    except _TooLarge:
        return None


def pickled(value: Any) -> bytes:
    """Return the pickle of a value. Raises SerializationError."""
    return _pickle(value)


def from_bytes(encoding: str, data: bytes) -> Any:
    """Return the value that bytes of this encoding say; as `decode`."""
    if encoding == JSON:
        return _read_json(data)
    if encoding == PICKLE:
        return _unpickle(data)
    if encoding == NULL:
        return None
    if encoding == REFERENCE:
        raise SerializationError(
            "This payload only says where a value is kept. Read it through antiphon.results, which fetches the value."
        )
    # Loaded where a task has chosen a serializer: it brings Pydantic with it.
    return importlib.import_module("antiphon.serializers").read_encoded(encoding, data)


def _exact_json(value: Any) -> bytes | None:
    """Return the value as JSON if reading that gives exactly the same value again, else None."""
    kind = type(value)
    # Scalars are most of what tasks return; the encoder would take several times as long for a number.
    if kind is bool:
        return b"true" if value else b"false"
    if kind is int:
        return b"%d" % value if -MAX_JSON_INTEGER <= value <= MAX_JSON_INTEGER else None
    if kind is float:
        return repr(value).encode() if math.isfinite(value) else None
    if kind is not str and not ((kind is list or kind is dict) and _survives_json(value)):
        return None
    try:
        return _to_json(value).encode()
    except ValueError:
        # A number that is not finite, or text with half a surrogate pair, which UTF-8 cannot say.
        return None


def _survives_json(root: list[Any] | dict[Any, Any]) -> bool:
    """Whether everything in a list or dict is of exactly the types that JSON gives back. Breadth first, by levels."""
    level: list[list[Any] | dict[Any, Any]] = [root]
    seen = 0
    for _ in range(MAX_JSON_DEPTH):
        deeper: list[list[Any] | dict[Any, Any]] = []
        for container in level:
            seen += 1
            if type(container) is dict:
                if not _TEXT_KEYS.issuperset(map(type, container)):
                    return False
                items: Any = container.values()
            else:
                items = container
            kinds = set(map(type, items))
            if kinds <= _ALWAYS_EXACT:
                continue
            if not _sort_items(items, kinds, deeper):
                return False
        if not deeper:
            return True
        if seen + len(deeper) > MAX_JSON_CONTAINERS:
            return False
        level = deeper
    return False


def _sort_items(items: Any, kinds: set[type], deeper: list[list[Any] | dict[Any, Any]]) -> bool:
    """Check the scalars among `items`, whose types are `kinds`, and put the containers into `deeper`."""
    if int in kinds:
        integers = items if len(kinds) == 1 else [item for item in items if type(item) is int]
        if min(integers) < -MAX_JSON_INTEGER or max(integers) > MAX_JSON_INTEGER:
            return False
    nested = kinds - _SCALARS
    if not nested:
        return True
    if not nested <= {list, dict}:
        return False
    deeper.extend(item for item in items if type(item) in nested)
    return True


#: Bytes that an object of this type takes in memory for each byte of its JSON, at most.
_LEAST_SHARE: Mapping[type, int] = {str: 5, bytes: 2, list: 4, dict: 20}


class _TooLarge(Exception):
    """A pickle has outgrown its limit."""


class _Bounded(io.BytesIO):
    """Takes no more than so many bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._left = limit

    def write(self, data: Any) -> int:
        self._left -= memoryview(data).nbytes
        if self._left < 0:
            raise _TooLarge
        return super().write(data)


def _pickle(value: Any, limit: int | None = None) -> bytes:
    try:
        if limit is None:
            return bytes(cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
        file = _Bounded(limit)
        cloudpickle.Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        return file.getvalue()
    except _TooLarge:
        raise
    except Exception as error:
        raise SerializationError(
            f"A value of type {type_name(value)} cannot be kept: pickling it failed with "
            f"{type(error).__name__}: {error}. Return something that can be pickled, such as the data in it, or set "
            "persist_result=False to use the result in this process only."
        ) from error


def _read_json(data: bytes) -> Any:
    try:
        return _from_json(data.decode())
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"The payload says {JSON}, but its data is no JSON: {error}.") from error


def _unpickle(data: bytes) -> Any:
    try:
        return pickle.loads(data)
    except Exception as error:
        raise SerializationError(
            f"A pickled value cannot be read here: {type(error).__name__}: {error}. It needs the modules and versions "
            "of the program that wrote it."
        ) from error


def type_name(value: Any) -> str:
    """Return the name of a value's type for people."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

"""Arguments of flow runs that the server looks into: JSON objects, which may come from several places."""

import json
from collections.abc import Iterable
from math import isinf
from typing import Any, NoReturn

from antiphon.v1 import payload_pb2
from antiphon_server.domain.errors import InvalidArgument

_ENCODING, _JSON = "encoding", "json/plain"
#: Objects and lists in one another. What is read must be written again, however deep the call is that does it.
_MOST_LEVELS = 100


def check_arguments(payload: payload_pb2.Payload, field: str) -> None:
    """Raises InvalidArgument (PARAMETERS_INVALID), which names `field`, for what is no JSON object."""
    encoding = payload.metadata.get(_ENCODING, "")
    if encoding != _JSON:
        raise _invalid(f"it must be JSON ({_JSON}), and is {encoding or 'without an encoding'}", field)
    try:
        value = _loads(payload.data)
    except ValueError as error:
        raise _invalid(str(error), field) from None
    if not isinstance(value, dict):
        raise _invalid("it must be an object of names and values", field)


def merged(*payloads: bytes | None) -> bytes | None:
    """Several checked JSON objects, serialized payloads, as one; later ones win. None where none is anything."""
    given = [payload for payload in payloads if payload is not None]
    if len(given) <= 1:
        return given[0] if given else None
    value: dict[str, Any] = {}
    for payload in given:
        value |= json.loads(payload_pb2.Payload.FromString(payload).data)
    return packed(value)


def packed(value: dict[str, Any]) -> bytes:
    """A JSON object as a serialized payload."""
    data = _dumps(value).encode()
    return payload_pb2.Payload(metadata={_ENCODING: _JSON}, data=data).SerializeToString(deterministic=True)


def merged_objects(*texts: str) -> str | None:
    """The same for JSON objects as texts, of which empty ones are nothing."""
    given = [text for text in texts if text]
    if len(given) <= 1:
        return given[0] if given else None
    value: dict[str, Any] = {}
    for text in given:
        value |= json.loads(text)
    return _dumps(value)


def check_json(text: str, kind: type[dict[Any, Any]] | type[list[Any]], field: str) -> str:
    """The text, where it is empty or a JSON object, or list. Raises InvalidArgument (JSON_INVALID)."""
    if not text:
        return text
    try:
        value = _loads(text)
    except ValueError as error:
        raise InvalidArgument("JSON_INVALID", f"{field} is no JSON: {error}", field=field) from None
    if not isinstance(value, kind):
        wanted = "an object of names and values" if kind is dict else "a list"
        raise InvalidArgument("JSON_INVALID", f"{field} must be {wanted}, as JSON text", field=field)
    return text


def _loads(text: str | bytes) -> Any:
    """Raises ValueError for what is no JSON, or could not be written again."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_number)
    except RecursionError:
        value = _too_deep()
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [each for part in level if isinstance(part, dict | list) for each in _parts(part)]
    return value if not level else _too_deep()


def _parts(part: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return part.values() if isinstance(part, dict) else part


def _too_deep() -> NoReturn:
    raise ValueError(f"it has more than {_MOST_LEVELS} lists and objects in one another")


def _dumps(value: Any) -> str:
    # In ASCII, since a text may have halves of characters, which no encoding takes.
    return json.dumps(value, separators=(",", ":"))


def _number(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text[:40]} is too large for a number")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _invalid(why: str, field: str) -> InvalidArgument:
    return InvalidArgument("PARAMETERS_INVALID", f"{field} cannot be the arguments of a flow: {why}", field=field)

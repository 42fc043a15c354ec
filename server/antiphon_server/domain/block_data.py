"""The values of a block document: which of them are secret, and which are other documents.

Values are what JSON says, at most MAX_DEPTH levels deep. A path of secrets is a list of keys; `*` is every key of an
object, and lists on the way are passed through.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from antiphon_server.domain.errors import InvalidArgument

Values: TypeAlias = dict[str, Any]

#: What stands where a secret is not told.
MASK = "********"
MAX_DEPTH = 100
#: Objects, lists and what is in them. The writer, which everybody waits for, walks through them.
MAX_PARTS = 20_000
#: Parts times paths of secrets; each costs about a microsecond.
MAX_STEPS = 200_000
#: What stands for another document: {"$ref": {"block_document_id": ID}}
_REF, _REF_ID = "$ref", "block_document_id"


def parse_object(text: str, reason: str, field: str) -> Values:
    """The object that a JSON text is; empty text is {}. Raises InvalidArgument with `reason`, which quotes no value."""
    try:
        value = json.loads(text or "{}", parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        why = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidArgument(reason, f"{field} is no JSON: {why}", field=field) from None
    except (ValueError, RecursionError):
        why = f"it has NaN, an infinity or a huge number, or is more than {MAX_DEPTH} levels deep"
        raise InvalidArgument(reason, f"{field} cannot be read: {why}", field=field) from None
    if not isinstance(value, dict):
        raise InvalidArgument(reason, f"{field} must be a JSON object, such as {{}}", field=field)
    if _is_deeper(value, MAX_DEPTH):
        raise InvalidArgument(reason, f"{field} is more than {MAX_DEPTH} levels deep", field=field)
    if _parts_of(value) > MAX_PARTS:
        raise InvalidArgument(reason, f"{field} has more than {MAX_PARTS:,} values; keep a reference", field=field)
    return value


def checksum_of(slug: str, fields: Values, capabilities: Sequence[str]) -> str:
    """What tells one schema from another, of its own type (by slug) and of others."""
    content = {"block_type_slug": slug, "capabilities": sorted(capabilities), "fields": fields}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def secret_paths(fields: Values) -> list[str]:
    """The `secret_fields` of a schema. Raises InvalidArgument (BLOCK_FIELDS_INVALID)."""
    paths = fields.get("secret_fields", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise InvalidArgument(
            "BLOCK_FIELDS_INVALID",
            'secret_fields in block_schema.fields must be a list of texts, such as ["password"]',
            field="block_schema.fields",
        )
    return paths


def check_cost(values: Values, paths: Sequence[str]) -> None:
    """Raises InvalidArgument (BLOCK_DATA_INVALID) where it takes long to find the secrets."""
    steps = _parts_of(values) * len(paths)
    if steps > MAX_STEPS:
        raise InvalidArgument(
            "BLOCK_DATA_INVALID",
            f"the block has {len(paths):,} paths of secrets in {_parts_of(values):,} values, too many to look through; "
            "name secrets by fewer paths, with * for all keys of an object, or split the block",
            field="block_document.data",
        )


def masked(values: Values, paths: Sequence[str]) -> Values:
    """The values with MASK in the places of secrets; what is null stays so."""
    result: Values = _copy(values)
    for path in paths:
        for holder, key in _places(result, path.split(".")):
            if holder[key] is not None:
                holder[key] = MASK
    return result


def unmasked(values: Values, before: Values, paths: Sequence[str]) -> Values:
    """The values where each secret that is only MASK is what it was before, if there was one in that place."""
    result: Values = _copy(values)
    for path in paths:
        for holder, key, old in _shared_places(result, before, path.split(".")):
            if holder[key] == MASK:
                holder[key] = old
    return result


def has_mask(values: Values, paths: Sequence[str]) -> bool:
    """Whether one of the secrets is only MASK."""
    return any(holder[key] == MASK for path in paths for holder, key in _places(values, path.split(".")))


def shown_paths(values: Values, paths: Sequence[str]) -> list[str]:
    """Those of the paths that lead to something other than MASK and null."""
    return [
        path
        for path in paths
        if any(holder[key] not in (None, MASK) for holder, key in _places(values, path.split(".")))
    ]


def referenced_ids(values: Values) -> set[str]:
    """The ids of the documents that stand in the values, as they are written there."""
    found: set[str] = set()
    left: list[Any] = [values]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            reference = part.get(_REF)
            if len(part) == 1 and isinstance(reference, dict) and isinstance(reference.get(_REF_ID), str):
                found.add(reference[_REF_ID])
            else:
                left += part.values()
    return found


def _places(values: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Where in `values` a path leads: objects, and keys that they have."""
    for holder, key, _ in _shared_places(values, values, path):
        yield holder, key


def _shared_places(values: Any, other: Any, path: list[str]) -> Iterator[tuple[Any, Any, Any]]:
    """The same for places that both have, with the value that is in `other`."""
    if isinstance(values, list) and isinstance(other, list) and len(values) == len(other):
        for each, other_each in zip(values, other, strict=True):
            yield from _shared_places(each, other_each, path)
    elif isinstance(values, dict) and isinstance(other, dict):
        first, rest = path[0], path[1:]
        keys = (
            [key for key in values if key in other] if first == "*" else [first] * (first in values and first in other)
        )
        for key in keys:
            if rest:
                yield from _shared_places(values[key], other[key], rest)
            else:
                yield values, key, other[key]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _parts_of(value: Any) -> int:
    count, left = 0, [value]
    while left:
        part = left.pop()
        if isinstance(part, dict | list):
            count += len(part) + 1
            left += part.values() if isinstance(part, dict) else part
    return count


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for part in level
            for inner in (part.values() if isinstance(part, dict) else part)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    """The number; one that is too large for Python would be written as Infinity, which is no JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number

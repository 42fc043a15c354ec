"""Filters to the language that the server's lists speak (AIP-160; see ListFlowRuns in the contract)."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from antiphon.client.schemas.filters import LogFilterTextSearch, Operator
from antiphon.exceptions import ObjectUnsupported

__all__ = ["MAX_FILTER_LENGTH", "all_of", "any_of", "checked_length", "equals", "filter_text"]

#: What the contract takes.
MAX_FILTER_LENGTH: Final = 8192
#: Every row has an id, so this lets nothing through.
_NOTHING = "NOT id:*"
_WORD = re.compile(r'([+!-]?)(?:"([^"]*)"|(\S+))')


def filter_text(filter: BaseModel | None, fields: Mapping[str, str]) -> str:
    """Return what a filter says; empty where it lets everything through.

    `fields` has the server's name for each of the filter's, those of its `state` as `state.type`. Raises
    ObjectUnsupported for a field that is not among them.
    """
    return checked_length(_parts(filter, fields, "")) if filter is not None else ""


def all_of(parts: Iterable[str]) -> str:
    """Return a filter for what each part lets through. Empty parts count for nothing."""
    return _together(" AND ", [each for each in parts if each])


def any_of(parts: Iterable[str]) -> str:
    """Return a filter for what one part at least lets through; no part lets nothing through."""
    return _together(" OR ", list(parts)) or _NOTHING


def equals(field: str, values: Iterable[Any]) -> str:
    """Return a filter for what has one of these values."""
    return " OR ".join(f"{field} = {_word(value)}" for value in values) or _NOTHING


def _together(word: str, parts: list[str]) -> str:
    return word.join(f"({each})" for each in parts) if len(parts) > 1 else "".join(parts)


def checked_length(text: str) -> str:
    """Return a filter's text. Raises ValueError where it is longer than the server takes."""
    if len(text) > MAX_FILTER_LENGTH:
        raise ValueError(
            f"The filter is too long: it takes {len(text):,} characters to say, and the server reads "
            f"{MAX_FILTER_LENGTH:,}, which is about 150 ids. Ask in several calls, with fewer values in each."
        )
    return text


def _parts(filter: BaseModel, fields: Mapping[str, str], prefix: str) -> str:
    parts: list[str] = []
    for name, part in _given(filter):
        path = f"{prefix}{name}"
        if isinstance(part, LogFilterTextSearch):
            parts.append(_search(fields[path], part.query))
        elif path in fields:
            parts.append(_checks(part, fields[path]))
        elif any(each.startswith(f"{path}.") for each in fields):
            parts.append(_parts(part, fields, f"{path}."))
        else:
            raise ObjectUnsupported(
                f"The server cannot look for {path} here ({type(filter).__name__}). It can for: {', '.join(fields)}.",
                code="INVALID_ARGUMENT",
            )
    return _joined(filter, [each for each in parts if each])


def _given(filter: BaseModel) -> list[tuple[str, Any]]:
    values = [(name, getattr(filter, name)) for name in type(filter).model_fields if name != "operator"]
    return [(name, value) for name, value in values if value is not None]


def _joined(filter: BaseModel, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    either = getattr(filter, "operator", Operator.and_) is Operator.or_
    return any_of(parts) if either and parts else all_of(parts)


def _checks(filter: BaseModel, field: str) -> str:
    return _joined(filter, [text for name, value in _given(filter) if (text := _CHECKS[name](field, value))])


def _search(field: str, query: str) -> str:
    """Words of a search: any of the plain ones, each with `+`, none with `-` or `!`."""
    plain: list[str] = []
    needed: list[str] = []
    for sign, phrase, word in _WORD.findall(query):
        check = f"{field}:{_quoted(phrase or word)}"
        if sign == "":
            plain.append(check)
        else:
            needed.append(check if sign == "+" else f"NOT {check}")
    return all_of([*needed, any_of(plain) if plain else ""])


def _word(value: Any) -> str:
    """A value as it stands in a filter."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, UUID | int):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return _quoted(value)


def _quoted(text: str, *, end: str = "") -> str:
    escaped = re.sub(r'(["\\*])', r"\\\1", text)
    return f'"{escaped}{end}"'


def _tags_or_equals(field: str, values: list[Any]) -> str:
    if field != "tags":
        return equals(field, values)
    return any_of(f"tags:{_quoted(each)}" for each in values)


def _is_set(field: str, wanted: bool) -> str:
    return f"{field}:*" if wanted else f"NOT {field}:*"


def _exists(field: str, wanted: bool) -> str:
    if field != "task_key":
        return _is_set(field, wanted)
    # So the task runs are called that stand for subflows, see engine/run_flow.py.
    return f'{"" if wanted else "NOT "}{field} = "subflow:*"'


#: By the names of what filters ask of one field.
_CHECKS: Mapping[str, Callable[[str, Any], str]] = {
    "any_": _tags_or_equals,
    "not_any_": lambda field, values: all_of(f"{field} != {_word(each)}" for each in values),
    "all_": lambda field, values: all_of(f"{field}:{_quoted(each)}" for each in values),
    "like_": lambda field, value: f"{field}:{_quoted(value)}" if value else "",
    "startswith_": lambda field, values: any_of(f"{field} = {_quoted(each, end='*')}" for each in values),
    "before_": lambda field, value: f"{field} <= {_word(value)}",
    "after_": lambda field, value: f"{field} >= {_word(value)}",
    "le_": lambda field, value: f"{field} <= {value}",
    "ge_": lambda field, value: f"{field} >= {value}",
    "is_null_": lambda field, value: _is_set(field, not value),
    "exists_": _exists,
}

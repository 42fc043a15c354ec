"""The order of a list: `create_time desc, name`, after AIP-132."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from antiphon_server.domain.errors import InvalidArgument

_DIRECTIONS = {"asc": False, "desc": True}


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One column to sort by. Rows in which it is not set come last, whatever the direction."""

    #: The storage layer's name of it.
    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class OrderFields:
    """What a list can be ordered by."""

    #: The storage layer's name of a column by its public name.
    columns: Mapping[str, str]
    #: Taken where nothing is asked for; an `order_by` text.
    default: str


def parse_order_by(text: str, fields: OrderFields) -> tuple[OrderKey, ...]:
    """The keys of `text`, closed by `id` so that the order is total; `id` goes the way of the key before it.

    Raises InvalidArgument (ORDER_BY_INVALID) for an unknown or repeated field and for anything but asc or desc behind
    it, naming the 1-based column.
    """
    keys: list[OrderKey] = []
    start = 0
    source = text if text.strip() else fields.default
    for entry in source.split(","):
        keys.append(_key(entry, start, fields))
        if any(key.column == keys[-1].column for key in keys[:-1]):
            _fail(entry, start, "names a field for the second time", fields)
        start += len(entry) + 1
    return (*keys, OrderKey("id", keys[-1].descending))


def _key(entry: str, start: int, fields: OrderFields) -> OrderKey:
    match entry.split():
        case [name] if name in fields.columns:
            return OrderKey(fields.columns[name])
        case [name, direction] if name in fields.columns and direction in _DIRECTIONS:
            return OrderKey(fields.columns[name], _DIRECTIONS[direction])
        case [name, *_] if name in fields.columns:
            _fail(entry, start, "has more behind the field than one of asc and desc", fields)
        case []:
            _fail(entry, start, "is no field; remove the comma too many", fields)
    _fail(entry, start, "does not begin with a field that can be ordered by", fields)


def _fail(entry: str, start: int, problem: str, fields: OrderFields) -> NoReturn:
    column = start + len(entry) - len(entry.lstrip()) + 1
    shown = entry.strip()[:60]
    raise InvalidArgument(
        "ORDER_BY_INVALID",
        f"wrong order_by at column {column}: {shown!r} {problem}; fields: {', '.join(fields.columns)}",
        field="order_by",
    )

"""Operations in the log: what they are and what they are about, without a word of what users gave."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

#: Ids that are told of one operation; a message of a session may hold a thousand frames.
MOST = 20


def describe(operation: Any) -> str:
    """The operation's type, and the ids in it and in what it is made of."""
    found = list(islice(_ids(operation), MOST + 1))
    more = ", ..." if len(found) > MOST else ""
    return f"{type(operation).__name__}({', '.join(found[:MOST])}{more})"


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _ids(item)
    elif is_dataclass(value):
        for each in fields(value):
            content = getattr(value, each.name)
            if (each.name == "id" or each.name.endswith("_id")) and isinstance(content, str) and content:
                yield f"{each.name}={content}"
            elif is_dataclass(content):
                yield type(content).__name__
            yield from _ids(content)

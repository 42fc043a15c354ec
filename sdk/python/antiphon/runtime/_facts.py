"""How the attributes of the runtime modules are read, and how tests replace them."""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from antiphon.exceptions import SettingError

PREFIX: Final = "ANTIPHON__RUNTIME__"

#: Reads a fact where the calling code is.
Reader = Callable[[], Any]


def read_fact(module: str, kind: str, name: str, facts: Mapping[str, tuple[type, Reader]]) -> Any:
    """Return the fact `name` of `kind` (`"flow_run"`), or what the environment says in its place.

    `ANTIPHON__RUNTIME__FLOW_RUN__NAME=x` replaces `flow_run.name`, for tests; lists and dicts are written as JSON,
    times in ISO 8601. Raises AttributeError for a fact that does not exist, SettingError for a replacement of the wrong
    type.
    """
    if name not in facts:
        raise AttributeError(f"module {module!r} has no attribute {name!r}; it has: {', '.join(sorted(facts))}")
    kept_as, reader = facts[name]
    variable = f"{PREFIX}{kind.upper()}__{name.upper()}"
    text = os.environ.get(variable)
    return reader() if text is None else _replacement(variable, text, kept_as)


def _replacement(variable: str, text: str, kept_as: type) -> Any:
    try:
        if kept_as is datetime:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if kept_as in (list, dict):
            value = json.loads(text)
            if not isinstance(value, kept_as):
                raise ValueError(f"it is no JSON {'list' if kept_as is list else 'object'}")
            return value
        return kept_as(text)
    except ValueError as error:
        raise SettingError(f"{variable} cannot be {text!r}: {error}. A {kept_as.__name__} is needed.") from error

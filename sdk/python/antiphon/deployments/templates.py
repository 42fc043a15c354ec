"""Templates in what deployments are made of: `{{ step-id.key }}`, `{{ antiphon.variables.NAME }}`,
`{{ antiphon.blocks.TYPE.NAME }}` and `{{ $ENV }}`.

A text that is one template and nothing else becomes the value itself, of whatever type; in the midst of others the
value stands as text. Nothing is ever left out in silence: what a template names has to be there. (Template engines such
as Jinja2 take `step-id` for a subtraction and know no `$ENV`, and what they fill in is text.)
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from antiphon.exceptions import TemplateError

_BRACES = re.compile(r"\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)
_STORED = re.compile(r"(?:antiphon|prefect)\.(blocks|variables)\.(.+)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PATH = re.compile(r"[\w-]+(?:\.[\w-]+|\[\d+\])*")
_PART = re.compile(r"[\w-]+")

_EXAMPLES = "{{ step-id.key }}, {{ antiphon.variables.NAME }}, {{ antiphon.blocks.TYPE.NAME }} or {{ $ENV }}"


class Source(Enum):
    """Where the value of a template comes from."""

    OUTPUT = "output"
    VARIABLE = "variable"
    BLOCK = "block"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Name:
    """What one template names."""

    #: With its braces, as it was written.
    text: str
    source: Source
    #: The step, the variable, the block as `type/name`, or the environment variable.
    key: str
    #: The way into the value from there.
    path: tuple[str, ...] = ()


def names_in(value: Any) -> Iterator[Name]:
    """Yield what templates name in any text of a value, in order. Raises TemplateError for one that is none."""
    if isinstance(value, str):
        for match in _BRACES.finditer(value):
            yield _name_of(match[0], match[1].strip())
    elif isinstance(value, dict):
        for each in value.values():
            yield from names_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from names_in(each)


def filled(value: Any, value_of: Callable[[Name], Any]) -> Any:
    """Return a value with its templates replaced by what `value_of` gives; KEEP leaves one as it stands."""
    if isinstance(value, str):
        return _filled_text(value, value_of)
    if isinstance(value, dict):
        return {key: filled(each, value_of) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, value_of) for each in value]
    return value


#: A template that somebody else fills in.
KEEP = object()


def followed(name: Name, value: Any) -> Any:
    """Return what the path of a name leads to in a value. Raises TemplateError where it leads nowhere."""
    so_far = name.key
    for part in name.path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise TemplateError(f"{name.text} leads nowhere: there is no {part!r} in {so_far!r}{_inside(value)}.")
        so_far = f"{so_far}.{part}"
    return value


def _inside(value: Any) -> str:
    if isinstance(value, dict):
        return f", which has {', '.join(map(repr, value)) or 'nothing'}"
    if isinstance(value, list):
        return f", a list of {len(value)}"
    return f", which is {type(value).__name__}"


def _filled_text(text: str, value_of: Callable[[Name], Any]) -> Any:
    whole = _BRACES.fullmatch(text.strip())
    if whole is not None:
        value = value_of(_name_of(whole[0], whole[1].strip()))
        return text if value is KEEP else value

    def replaced(match: re.Match[str]) -> str:
        value = value_of(_name_of(match[0], match[1].strip()))
        return match[0] if value is KEEP else _as_text(value)

    return _BRACES.sub(replaced, text)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _name_of(text: str, inner: str) -> Name:
    environment = _ENVIRONMENT.fullmatch(inner)
    if environment is not None:
        return Name(text, Source.ENVIRONMENT, environment[1])
    if not _PATH.fullmatch(inner):
        raise TemplateError(f"{text} is no template that is known here. Write {_EXAMPLES}.")
    stored = _STORED.fullmatch(inner)
    parts = _PART.findall(inner if stored is None else stored[2])
    if stored is None:
        return _output_of(text, parts)
    if stored[1] == "variables":
        return Name(text, Source.VARIABLE, parts[0], tuple(parts[1:]))
    if len(parts) < 2:
        raise TemplateError(f"{text} says no block: write {{{{ antiphon.blocks.TYPE.NAME }}}}, with the type's slug.")
    return Name(text, Source.BLOCK, f"{parts[0]}/{parts[1]}", tuple(parts[2:]))


def _output_of(text: str, parts: list[str]) -> Name:
    if parts[0] in ("antiphon", "prefect"):
        raise TemplateError(
            f"{text} is not known here: behind antiphon. there are blocks and variables, as in "
            "{{ antiphon.variables.NAME }} and {{ antiphon.blocks.TYPE.NAME }}."
        )
    return Name(text, Source.OUTPUT, parts[0], tuple(parts[1:]))

"""What a block class says of itself: name, slug, description, example, version."""

import importlib.metadata
import inspect
import re
import unicodedata
from typing import Any

from antiphon.blocks.errors import InvalidBlockRegistration

#: Where a docstring stops to be the description.
_SECTION = re.compile(
    r"^(Args|Arguments|Attributes|Parameters|Example|Examples|Note|Notes|Raises|Returns|Usage|Warning):[ \t]*$",
    re.MULTILINE,
)
_NON_VERSIONED = "non-versioned"


def slug_of(kind: Any) -> str:
    """The slug of a block class. Raises InvalidBlockRegistration for a name without a letter or digit."""
    name = kind._block_type_slug or kind.get_block_type_name()
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
    if not slug:
        raise InvalidBlockRegistration(
            f"No slug can be made of {name!r}: set _block_type_slug of {kind.__name__} to lowercase letters, digits "
            "and dashes."
        )
    return slug


def description_of(kind: Any) -> str | None:
    """What was set, or the docstring up to its first section."""
    if kind._description:
        return inspect.cleandoc(kind._description)
    return _docstring(kind)[0] or None


def example_of(kind: Any) -> str:
    """What was set, or the example of the docstring, or one that loads a block."""
    if kind._code_example:
        return inspect.cleandoc(kind._code_example)
    name, slug = kind.__name__, kind.get_block_type_slug().replace("-", "_")
    loading = f'```python\nfrom {kind.__module__} import {name}\n\n{slug}_block = {name}.load("BLOCK_NAME")\n```'
    return _docstring(kind)[1] or loading


def version_of(kind: Any) -> str:
    """What was set, or the version of the package that the class is from."""
    if kind._block_schema_version:
        return str(kind._block_schema_version)
    package = kind.__module__.partition(".")[0]
    try:
        return importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return _NON_VERSIONED


def _docstring(kind: Any) -> tuple[str, str]:
    """Description and example."""
    text = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    description, *rest = _SECTION.split(text)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    example = sections.get("Example") or sections.get("Examples") or ""
    return description.strip(), inspect.cleandoc(example).strip()

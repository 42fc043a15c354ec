"""The tables, and where in which page they stand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from antiphon.workers.worker_types import load_worker_class
from marked_tables import table, with_table

DOCS = Path(__file__).parents[3] / "docs"
#: Type of worker -> its page.
PAGES = {"docker": DOCS / "workers-docker.md", "kubernetes": DOCS / "workers-kubernetes.md"}


def rendered(kind: str) -> str:
    """The page of a type with its table as it has to be. Raises ValueError for a page without its marks."""
    page = PAGES[kind]
    return with_table(page.read_text(), page, "job variables", table(("Variable", "Type", "Default", ""), _rows(kind)))


def _rows(kind: str) -> Iterator[tuple[str, ...]]:
    """The job variables of a type of worker."""
    schema = load_worker_class(kind).get_default_base_job_template()["variables"]
    for name, about in schema["properties"].items():
        yield f"`{name}`", _type(about), _default(about), about.get("description", "")


def _type(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{each}`" for each in about["enum"])
    if "anyOf" in about:
        kinds = [_type(each) for each in about["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in about:
        return "block"
    kind = str(about.get("type", "any"))
    return f"{kind} of {_type(about['items'])}s" if kind == "array" and "items" in about else kind


def _default(about: dict[str, Any]) -> str:
    default = about.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"

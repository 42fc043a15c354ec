"""Blocks as tables for people. Takes messages, gives Rich renderables; fetches nothing."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words
from antiphon.v1.block_pb2 import BlockDocument, BlockSchema, BlockType
from antiphon.v1.block_service_pb2 import GetBlockDocumentResponse


def documents_table(documents: Iterable[BlockDocument], now: datetime, *, show_ids: bool) -> Table:
    """Blocks, a line each."""
    table = make_table("Block", "Type", "Updated", *(["ID"] if show_ids else []), shrinking=("Block", "Type"))
    for document in documents:
        table.add_row(
            cut(f"{document.block_type_slug}/{document.name}"),
            cut(document.block_type_name),
            ago_words(document.update_time, now),
            *([document.id] if show_ids else []),
        )
    return table


def document_page(found: GetBlockDocumentResponse) -> RenderableType:
    """All about one block, and what it refers to."""
    document = found.block_document
    parts: list[RenderableType] = [facts_table(_document_rows(document))]
    for each in found.referenced:
        parts += ["", Text("Part of it", style="bold"), facts_table(_document_rows(each))]
    return Group(*parts)


def types_table(types: Iterable[BlockType], *, show_ids: bool) -> Table:
    """Types, a line each."""
    table = make_table("Slug", "Name", "Description", *(["ID"] if show_ids else []), shrinking=("Name", "Description"))
    for each in types:
        description = each.description.partition("\n")[0]
        table.add_row(each.slug, cut(each.name), cut(description), *([each.id] if show_ids else []))
    return table


def type_page(block_type: BlockType, schema: BlockSchema | None) -> RenderableType:
    """All about one type."""
    rows = [
        ("Type", block_type.name),
        ("Slug", block_type.slug),
        ("ID", block_type.id),
        ("Protected", "yes: it comes with Antiphon" if block_type.is_protected else ""),
        ("Logo", block_type.logo_url),
        ("Documentation", block_type.documentation_url),
        ("Created", moment_words(block_type.create_time)),
        ("Capabilities", ", ".join(schema.capabilities) if schema is not None else ""),
        ("Version", schema.version if schema is not None else ""),
    ]
    parts: list[RenderableType] = [facts_table(rows)]
    if schema is not None:
        parts += ["", fields_table(json.loads(schema.fields))]
    for text in (block_type.description, block_type.code_example):
        if text:
            parts += ["", Text(text)]
    return Group(*parts)


def fields_table(schema: dict[str, Any]) -> Table:
    """The fields of a schema, a line each."""
    table = make_table("Field", "Needed", "Secret", "Type", "Description", shrinking=("Description",))
    secret = {str(path).partition(".")[0] for path in schema.get("secret_fields", ())}
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        table.add_row(
            cut(name),
            "yes" if name in needed else "",
            "yes" if name in secret else "",
            cut(_type_words(field)),
            cut(str(field.get("description", ""))),
        )
    return table


def _type_words(field: Any) -> str:
    if not isinstance(field, dict):
        return "any"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(_type_words, field["anyOf"])))
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    return str(field.get("type", "any"))


def _document_rows(document: BlockDocument) -> list[tuple[str, str]]:
    values = json.loads(document.data)
    return [
        ("Block", f"{document.block_type_slug}/{document.name}"),
        ("Type", document.block_type_name),
        ("ID", document.id),
        ("Created", moment_words(document.create_time)),
        ("Updated", moment_words(document.update_time)),
        *((f"  {name}", value if isinstance(value, str) else json.dumps(value)) for name, value in values.items()),
    ]

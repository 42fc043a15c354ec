"""`docs/cli.schema.json`: a JSON schema for what each command prints with `--json`, made from the contract."""

import json
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from cli_reference.shapes import SHAPES, Either, Lines

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "docs" / "cli.schema.json"

_KINDS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    object: {},
    None: {"type": "null"},
}
#: As protobuf's JSON form has them.
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Any": {"type": "object", "required": ["@type"]},
}
_WHOLE = {"type": "string", "pattern": "^-?[0-9]+$"}
_SCALARS: dict[int, dict[str, Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_INT64: _WHOLE,
    FieldDescriptor.CPPTYPE_UINT64: _WHOLE,
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": ["number", "string"]},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": ["number", "string"]},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}


def render_schemas() -> str:
    """The file as it should be."""
    return json.dumps(document(), indent=1) + "\n"


def document() -> dict[str, Any]:
    """`$defs` has the messages, `commands` what each command prints; with `lines`, that is what each line is."""
    definitions: dict[str, dict[str, Any]] = {}
    commands = {path: _schema(shape, definitions) for path, shape in sorted(SHAPES.items())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": dict(sorted(definitions.items())),
        "commands": commands,
    }


def _schema(shape: Any, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(shape, Either):
        return {"anyOf": [_schema(each, definitions) for each in shape.shapes]}
    if isinstance(shape, Lines):
        return {"$comment": "a document a line", **_schema(shape.shape, definitions)}
    if isinstance(shape, list):
        return {"type": "array", "items": _schema(shape[0], definitions)}
    if isinstance(shape, dict):
        return _object({name: _schema(each, definitions) for name, each in shape.items()}, list(shape))
    if shape in _KINDS:
        return _KINDS[shape]
    return _message(shape.DESCRIPTOR, definitions)


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _message(message: Descriptor, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    if message.full_name not in definitions:
        definitions[message.full_name] = {}  # for messages that contain themselves
        fields = {field.name: _field(field, definitions) for field in message.fields}
        # Fields that hold their default are printed too, unless they can tell it from being unset.
        always = [field.name for field in message.fields if not field.has_presence]
        definitions[message.full_name] = _object(fields, always)
    return {"$ref": f"#/$defs/{message.full_name}"}


def _field(field: FieldDescriptor, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {
            "type": "object",
            "additionalProperties": _value(field.message_type.fields_by_name["value"], definitions),
        }
    value = _value(field, definitions)
    return {"type": "array", "items": value} if field.is_repeated else value


def _value(field: FieldDescriptor, definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if field.message_type is not None:
        return _message(field.message_type, definitions)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _SCALARS[field.cpp_type]


def _enum(enum: EnumDescriptor) -> dict[str, Any]:
    return {"type": "string", "enum": [value.name for value in enum.values]}

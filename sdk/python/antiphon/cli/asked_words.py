"""What a paused run asks for, in words: from the JSON schema of its pause."""

import json
from typing import Any

from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.state_pb2 import StateType

#: Characters of one line.
_LONGEST = 200


def asked_words(run: FlowRun) -> str:
    """A line of description where there is one, and a line for each field; empty where the run asks for nothing."""
    schema = run.state.details.input_schema
    if run.state.type != StateType.STATE_TYPE_PAUSED or not schema:
        return ""
    try:
        asked = json.loads(schema)
    except ValueError:
        return schema[:_LONGEST]
    if not isinstance(asked, dict):
        return schema[:_LONGEST]
    return "\n".join(line[:_LONGEST] for line in _lines(asked))


def _lines(asked: dict[str, Any]) -> list[str]:
    description = asked.get("description")
    lines = [description] if isinstance(description, str) else []
    fields = asked.get("properties")
    if not isinstance(fields, dict):
        return [*lines, _type_words(asked)]
    return lines + [_field_words(name, field) for name, field in fields.items()]


def _field_words(name: str, field: Any) -> str:
    if not isinstance(field, dict):
        return name
    default = f" = {json.dumps(field['default'])}" if "default" in field else ""
    about = field.get("description")
    return f"{name}: {_type_words(field)}{default}" + (f"  ({about})" if isinstance(about, str) else "")


def _type_words(field: dict[str, Any]) -> str:
    """`integer`, `array of string`, or the schema itself where no word says it."""
    kind, items = field.get("type"), field.get("items")
    if kind == "array" and isinstance(items, dict):
        return f"array of {_type_words(items)}"
    if isinstance(kind, str):
        return kind
    named = field.get("$ref")
    if isinstance(named, str):
        return named.rpartition("/")[2]
    choices = field.get("anyOf")
    if isinstance(choices, list) and all(isinstance(each, dict) for each in choices):
        return " or ".join(map(_type_words, choices))
    return "one of " + ", ".join(map(json.dumps, field["enum"])) if isinstance(field.get("enum"), list) else "any"

"""What a paused run asks for, in words."""

import json
from typing import Any

import pytest

from antiphon.cli.asked_words import asked_words
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.state_pb2 import STATE_TYPE_PAUSED, STATE_TYPE_RUNNING, State, StateDetails


def asked(schema: Any, type_: Any = STATE_TYPE_PAUSED) -> str:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return asked_words(FlowRun(state=State(type=type_, details=StateDetails(input_schema=text))))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("", ""),
        ({"type": "integer"}, "integer"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"enum": ["a", 1]}, 'one of "a", 1'),
        ({}, "any"),
        (
            {"description": "Who?", "properties": {"name": {"type": "string", "default": "x"}}},
            'Who?\nname: string = "x"',
        ),
        ({"properties": {"city": {"$ref": "#/$defs/City", "description": "where"}}}, "city: City  (where)"),
        ({"properties": {"a": True}}, "a"),
        ({"properties": 3, "description": 4}, "any"),
        ("true", "true"),
        ("no json", "no json"),
    ],
)
def test_words(schema: Any, words: str) -> None:
    assert asked(schema) == words


def test_a_run_that_is_not_paused_asks_for_nothing() -> None:
    assert asked({"type": "integer"}, STATE_TYPE_RUNNING) == ""

"""JSON schemas of pauses, and answers to them."""

import asyncio
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from antiphon.v1.payload_pb2 import Payload
from antiphon_server.application.input_schemas import MOST_PARTS, check_input, check_schema
from antiphon_server.domain.errors import InvalidArgument

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "zones": {"type": "array", "items": {"$ref": "#/$defs/zone"}}},
    "required": ["name"],
    "$defs": {"zone": {"type": "object", "properties": {"id": {"type": "integer"}}}},
}


def payload(text: str, encoding: str = "json/plain") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=text.encode())


def answer_to(schema: str, answer: Payload | None) -> None:
    asyncio.run(check_input(schema, answer, "input"))


def problem(call: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as refused:
        call()
    return refused.value


@pytest.mark.parametrize(
    "schema", ["{}", "true", json.dumps(CITY), '{"$schema": "http://json-schema.org/draft-07/schema#"}']
)
def test_a_schema_may_be(schema: str) -> None:
    check_schema(schema, "input_schema")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[]", "neither an object"),
        ("3", "neither an object"),
        ('{"maximum": NaN}', "NaN is not JSON"),
        ('{"type": "city"}', "'city'"),
        ('{"properties": {"a": {"minimum": "low"}}}', r"\$.properties.a.minimum"),
        ('{"pattern": "("}', "regex"),
        ("[" * 100_000, "recursion"),
        ('{"$schema": 1}', r"\$schema is not a text"),
        ('{"$schema": {}}', r"\$schema is not a text"),
        ('{"pattern": "a{99999999999999}"}', "repetition number"),
        (json.dumps({"allOf": [{}] * MOST_PARTS}), "1002 objects and lists, and may have 1000"),
        (json.dumps({"patternProperties": {"(?i)" + "[a-\uffff]" * 500: True}, "pattern": "ab"}), "2506 characters"),
    ],
)
def test_a_schema_may_not_be(schema: str, said: str) -> None:
    error = problem(lambda: check_schema(schema, "input_schema"))
    assert (error.reason, error.field) == ("INPUT_SCHEMA_INVALID", "input_schema")
    assert re.search(said, error.message)


@pytest.mark.parametrize("text", ['{"name": "Oslo"}', '{"name": "Oslo", "zones": [{"id": 1}], "more": null}'])
def test_an_answer_fits(text: str) -> None:
    answer_to(json.dumps(CITY), payload(text))


@pytest.mark.parametrize(
    ("answer", "field", "said"),
    [
        (payload("{}"), "input", "'name' is a required property"),
        (payload('{"name": 1}'), "input.name", "1 is not of type 'string'"),
        (payload('{"name": "a", "zones": [{"id": 1}, {"id": "x"}]}'), "input.zones[1].id", "'x' is not of type"),
        (payload("nope"), "input", "no JSON"),
        (payload("NaN"), "input", "NaN is not JSON"),
        (payload("[" * 100_000), "input", "no JSON"),
        (payload("x", "binary/cloudpickle"), "input", "must be JSON"),
        (Payload(), "input", "without an encoding"),
        (payload("", "binary/null"), "input", "None is not of type 'object'"),
        (None, "input", "none was sent"),
    ],
    ids=str,
)
def test_an_answer_does_not_fit(answer: Payload | None, field: str, said: str) -> None:
    error = problem(lambda: answer_to(json.dumps(CITY), answer))
    assert (error.reason, error.field) == ("INPUT_INVALID", field)
    assert said in error.message


def test_nothing_that_a_schema_refers_to_is_fetched() -> None:
    schema = '{"$ref": "http://127.0.0.1:9/schema.json"}'
    error = problem(lambda: answer_to(schema, payload("1")))
    assert error.reason == "INPUT_INVALID" and "refers to http://127.0.0.1:9/schema.json" in error.message


def test_a_schema_that_refers_to_itself_ends() -> None:
    error = problem(lambda: answer_to('{"$ref": "#"}', payload("1")))
    assert error.reason == "INPUT_INVALID" and "too deeply" in error.message


@pytest.mark.parametrize(
    ("definition", "answer", "said"),
    [
        ({"pattern": "("}, '"a"', "unterminated subpattern"),
        ({"type": "city"}, '"a"', "unknown type 'city'"),
        (3, '"a"', "not iterable"),
        ([1], '"a"', "no attribute"),
        ({"multipleOf": 0}, "1", "by zero"),
        ({"multipleOf": 0.1}, "1e400", "Infinity"),
        ({"required": 5}, "{}", "not iterable"),
        ({"$ref": "#/here/x"}, "1", "refers to /here/x"),
        ({"$ref": "#/here/list/x", "list": [1]}, "1", "invalid literal"),
    ],
    ids=str,
)
def test_what_a_reference_leads_to_may_be_no_schema(definition: Any, answer: str, said: str) -> None:
    schema = json.dumps({"$ref": "#/here", "here": definition})
    error = problem(lambda: answer_to(schema, payload(answer)))
    assert (error.reason, error.field) == ("INPUT_INVALID", "input")
    assert said in error.message


def test_a_check_without_end_is_ended() -> None:
    error = problem(lambda: answer_to('{"pattern": "^(a+)+$"}', payload(f'"{"a" * 40}!"')))
    assert error.reason == "INPUT_INVALID" and "cannot be checked within" in error.message


def test_a_server_that_starts_does_not_wait_for_the_library() -> None:
    check = "import sys, antiphon_server.server; print('jsonschema' in sys.modules, 'referencing' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.split() == ["False", "False"]

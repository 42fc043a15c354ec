"""JSON schemas of pauses and of flows, and answers and arguments to them."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from antiphon.v1.payload_pb2 import Payload
from antiphon_server.application import input_fitting
from antiphon_server.application.input_schemas import (
    MOST_PARTS,
    check_input,
    check_parameters,
    check_schema,
    fits_in_process,
)
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


def parameters_for(schema: Any, values: Any, *, complete: bool = True) -> None:
    payload = Payload(metadata={"encoding": "json/plain"}, data=json.dumps(values).encode()).SerializeToString()
    asyncio.run(check_parameters(json.dumps(schema), payload, "parameters", complete=complete))


FLOW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"$ref": "#/$defs/city"},
        "days": {"type": "integer", "minimum": 1, "default": 7},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"city": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}
OSLO = {"name": "Oslo"}


@pytest.mark.parametrize("values", [{"city": OSLO}, {"city": OSLO, "days": 1, "tags": ["a"]}])
def test_arguments_fit(values: Any) -> None:
    parameters_for(FLOW, values)


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({}, "parameters", "'city' is a required property"),
        ({"city": "Oslo"}, "parameters.city", "'Oslo' is not of type 'object'"),
        ({"city": {}}, "parameters.city", "'name' is a required property"),
        ({"city": {"name": 1}}, "parameters.city.name", "1 is not of type 'string'"),
        ({"city": OSLO, "days": 0}, "parameters.days", "0 is less than the minimum of 1"),
        ({"city": OSLO, "tags": ["a", 1]}, "parameters.tags[1]", "1 is not of type 'string'"),
        ({"city": OSLO, "town": 1}, "parameters", "('town' was unexpected)"),
    ],
    ids=str,
)
def test_arguments_do_not_fit(values: Any, field: str, said: str) -> None:
    error = problem(lambda: parameters_for(FLOW, values))
    assert (error.reason, error.field) == ("PARAMETERS_INVALID", field)
    assert error.message.startswith(f"{field} does not fit the deployment's parameter schema: ")
    assert said in error.message
    assert error.message.endswith("; send what fits, GetDeployment has the schema")


def test_what_is_said_of_a_long_value_is_short() -> None:
    error = problem(lambda: parameters_for({"properties": {"a": {"type": "integer"}}}, {"a": "x" * 100_000}))
    assert len(error.message) < 700
    assert "is not of type 'integer'" in error.message and "GetDeployment" in error.message


@pytest.mark.parametrize(
    "whole",
    [
        {"required": ["a", "b"]},
        {"minProperties": 2},
        {"allOf": [{"required": ["b"]}]},
        {"$ref": "#/$defs/b"},
        {"dependentRequired": {"a": ["b"]}},
    ],
    ids=str,
)
def test_of_arguments_of_which_more_may_come_each_is_compared(whole: Any) -> None:
    schema = {"properties": {"a": {"type": "integer"}}, "$defs": {"b": {"required": ["b"]}}, **whole}
    parameters_for(schema, {"a": 1}, complete=False)
    assert problem(lambda: parameters_for(schema, {"a": 1})).reason == "PARAMETERS_INVALID"
    assert problem(lambda: parameters_for(schema, {"a": "x"}, complete=False)).field == "parameters.a"


def doubling(refer: Callable[[int], str], name: Callable[[int], str], **more: Any) -> dict[str, Any]:
    """A schema that means twice as much with each of its 40 steps."""
    steps = {name(step): {"allOf": [{"$ref": refer(step + 1)}] * 2, **more} for step in range(40)}
    return {"$ref": refer(0), "$defs": {**steps, name(40): {}}}


def anchored() -> dict[str, Any]:
    schema = doubling(lambda step: f"#a{step}", str)
    for step, part in schema["$defs"].items():
        part["$anchor"] = f"a{step}"
    return schema


#: What takes for ever: a schema, and arguments.
ENDLESS: list[tuple[str, Any, Any]] = [
    ("a pattern", {"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"}),
    ("plain references", doubling(lambda step: f"#/$defs/{step}", str), {}),
    ("references by anchors", anchored(), {}),
    ("escaped references", doubling(lambda step: f"#/$defs/x~1{step}", lambda step: f"x/{step}"), {}),
    ("encoded references", doubling(lambda step: f"#/%24defs/{step}", str), {}),
    (
        "many values, each compared with many",
        {"properties": {"a": {"items": {"enum": list(range(10_000))}}}},
        {"a": [-1] * 10_000},
    ),
    (
        "many objects without many names",
        {"properties": {"a": {"items": {"required": [str(number) for number in range(5_000)]}}}},
        {"a": [{}] * 10_000},
    ),
]


@pytest.mark.parametrize(("schema", "values"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
def test_a_look_without_end_is_left_to_a_process_and_ended(schema: Any, values: Any) -> None:
    assert not fits_in_process(schema, json.dumps(values).encode())
    error = problem(lambda: parameters_for(schema, values))
    assert error.reason == "PARAMETERS_INVALID"
    assert "they cannot be checked within 3 s; deploy with a simpler schema" in error.message


def test_the_loop_goes_on_while_a_process_looks() -> None:
    _, schema, values = ENDLESS[0]

    async def run() -> int:
        payload = Payload(metadata={"encoding": "json/plain"}, data=json.dumps(values).encode()).SerializeToString()
        look = asyncio.ensure_future(check_parameters(json.dumps(schema), payload, "parameters", complete=True))
        turns = 0
        while not look.done():
            turns += 1
            await asyncio.sleep(0.01)
        assert isinstance(look.exception(), InvalidArgument)
        return turns

    # Three seconds of a processor's time, so some three hundred.
    assert asyncio.run(run()) > 30


def test_the_server_itself_looks_where_that_is_short() -> None:
    """A process takes a tenth of a second, which every run of the deployment would wait for."""
    thirty = {f"p{number}": {"type": "integer", "title": "P", "default": 1} for number in range(30)}
    schema = {"type": "object", "properties": thirty, "required": list(thirty)}
    assert fits_in_process(schema, json.dumps(dict.fromkeys(thirty, 1)).encode())
    assert fits_in_process(FLOW, json.dumps({"city": OSLO, "days": 1, "tags": ["a"] * 50}).encode())
    assert not fits_in_process(FLOW, json.dumps({"tags": ["a"] * 5_000}).encode())


def test_references_in_a_row_are_no_depth_that_breaks() -> None:
    steps = {str(step): {"$ref": f"#/$defs/{step + 1}"} for step in range(900)}
    schema = {"$ref": "#/$defs/0", "$defs": {**steps, "900": {}}}
    error = problem(lambda: parameters_for(schema, {}))
    assert "too deeply" in error.message


@pytest.mark.parametrize(
    ("format", "fits", "does_not"),
    [
        ("date", ("2026-11-01", "20261101", "0", 5), ("tomorrow", "2026-02-30", "")),
        ("date-time", ("2026-11-01T10:00:00Z", "2026-11-01 10:00", "1700000000.5"), ("10:00", "now")),
        ("time", ("10:00", "00:00:00", "10:00:00.5+02:00"), ("25:00", "noon")),
        ("uuid", ("0190163d-8694-739b-aea5-966c26f8ad90", "0190163d8694739baea5966c26f8ad90"), ("x", "0190")),
        ("of my own", ("anything",), ()),
    ],
)
def test_texts_of_a_format_are_what_some_reader_takes(
    format: str, fits: tuple[object, ...], does_not: tuple[object, ...]
) -> None:
    schema = {"format": format}
    assert [input_fitting.misfit(schema, json.dumps(value).encode()) for value in fits] == [None] * len(fits)
    for value in does_not:
        said = input_fitting.misfit(schema, json.dumps(value).encode())
        assert said is not None
        assert f"is not a {format!r}" in said["message"]

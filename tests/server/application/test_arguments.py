"""JSON objects that the server reads and writes again."""

import json
import re
from typing import Any

import pytest

from antiphon.v1.payload_pb2 import Payload
from antiphon_server.application.arguments import check_arguments, check_json, merged, merged_objects
from antiphon_server.domain.errors import InvalidArgument
from json_arguments import packed, values_of


def payload(text: str, encoding: str = "json/plain") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=text.encode())


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


#: No JSON at all, or none that could be written again.
NO_JSON = [
    ("", "Expecting value"),
    ("{", "Expecting property name"),
    ('{"a": NaN}', "NaN is not JSON"),
    ('{"a": -Infinity}', "-Infinity is not JSON"),
    ('{"a": 1e400}', "1e400 is too large for a number"),
    ('{"a": ' + "9" * 5000 + "}", "digits"),
    (nested(101), "more than 100 lists and objects in one another"),
    (nested(100_000), "more than 100 lists and objects in one another"),
]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Payload(), "it must be JSON (json/plain), and is without an encoding"),
        (payload("{}", "binary/cloudpickle"), "and is binary/cloudpickle"),
        (payload("[1]"), "it must be an object of names and values"),
        (payload("null"), "it must be an object of names and values"),
        (Payload(metadata={"encoding": "json/plain"}, data=b'"\xff"'), "decode"),
        *((payload(text), said) for text, said in NO_JSON),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_flow_can_be_called_with(given: Payload, said: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(said)) as refused:
        check_arguments(given, "parameters")
    assert (refused.value.reason, refused.value.field) == ("PARAMETERS_INVALID", "parameters")
    assert refused.value.message.startswith("parameters cannot be the arguments of a flow: ")


@pytest.mark.parametrize("text", ["{}", '{"a": {"b": [1, 2.5, null, true, "ß"]}}', nested(99)])
def test_what_a_flow_can_be_called_with(text: str) -> None:
    check_arguments(payload(text), "parameters")


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("[]", dict, "deployment.x must be an object of names and values, as JSON text"),
        ("{}", list, "deployment.x must be a list, as JSON text"),
        *((text, dict, said) for text, said in NO_JSON if text),
    ],
    ids=lambda value: str(value)[:40],
)
def test_text_that_is_not_what_it_shall_be(text: str, kind: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(said)) as refused:
        check_json(text, kind, "deployment.x")
    assert (refused.value.reason, refused.value.field) == ("JSON_INVALID", "deployment.x")


@pytest.mark.parametrize(("text", "kind"), [("", dict), ("", list), ('{"a": 1 }', dict), ("[ ]", list)])
def test_text_is_kept_as_it_was_written(text: str, kind: Any) -> None:
    assert check_json(text, kind, "deployment.x") == text


def test_later_arguments_win() -> None:
    assert values_of(merged(packed(a=1, b={"x": 1}), None, packed(b={"y": 2}), packed(c=3)) or b"") == {
        "a": 1,
        "b": {"y": 2},
        "c": 3,
    }
    assert (merged(), merged(None, None)) == (None, None)
    only = payload('{ "a" : 1 }').SerializeToString(deterministic=True)
    assert merged(None, only) == only


def test_later_objects_win() -> None:
    assert json.loads(merged_objects('{"a": 1, "b": 1}', "", '{"b": 2}') or "") == {"a": 1, "b": 2}
    assert (merged_objects(), merged_objects("", "")) == (None, None)
    assert merged_objects("", '{ "a" : 1 }') == '{ "a" : 1 }'


def test_half_a_character_is_carried_along() -> None:
    """No encoding takes it, but JSON may name it."""
    half = '{"a": "\\ud83d"}'
    check_arguments(payload(half), "parameters")
    both = merged(payload(half).SerializeToString(), packed(b="ß"))
    assert values_of(both or b"") == {"a": "\ud83d", "b": "ß"}
    text = merged_objects(check_json(half, dict, "x"), '{"b": "ß"}') or ""
    assert json.loads(text.encode()) == {"a": "\ud83d", "b": "ß"}

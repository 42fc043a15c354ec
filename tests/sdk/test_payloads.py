"""Values to payloads and back."""

import enum
import math
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.exceptions import SerializationError
from antiphon.payloads import JSON, NULL, PICKLE, REFERENCE, decode, encode, encoding_of, make_payload
from antiphon.v1.payload_pb2 import Payload


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        0,
        -7,
        2**53 - 1,
        1.5,
        -0.0,
        1e300,
        "",
        'quote " and \\ and ü and \n',
        [],
        {},
        [1, "a", None, [True, {"k": 1.5}]],
        {"a": {"b": [{}]}, "": None},
    ],
)
def test_plain_data_is_json_and_comes_back_exactly(value: Any) -> None:
    payload = encode(value)
    back = decode(payload)
    assert encoding_of(payload) == JSON
    assert repr(back) == repr(value)
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        [2**60],
        [1, "a", 2**60],
        math.inf,
        [1.0, math.inf],
        (1, 2),
        [(1, 2)],
        {1: "a"},
        {"a": {1, 2}},
        Point(1, 2),
        Colour.RED,
        [Colour.RED],
        Text("a"),
        {Text("a"): 1},
        OrderedDict(a=1),
        b"bytes",
        "half a pair \ud800",
        [10**5000],
    ],
)
def test_what_json_would_change_is_pickled_and_comes_back_exactly(value: Any) -> None:
    payload = encode(value)
    back = decode(payload)
    assert encoding_of(payload) == PICKLE
    assert back == value
    assert type(back) is type(value)


def test_not_a_number_survives() -> None:
    assert math.isnan(decode(encode(math.nan)))


def test_none_is_null() -> None:
    payload = encode(None)
    assert (encoding_of(payload), payload.data) == (NULL, b"")
    assert decode(payload) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=20,
    )
)
def test_anything_comes_back_as_it_was(value: Any) -> None:
    assert repr(decode(encode(value))) == repr(value)


def test_deep_nesting_and_structures_that_contain_themselves_are_pickled() -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    assert encoding_of(encode(deep)) == PICKLE
    back = decode(encode(endless))
    assert back[0] is back


def test_shared_parts_do_not_multiply() -> None:
    shared: Any = [1]
    for _ in range(40):
        shared = [shared, shared]
    assert encoding_of(encode(shared)) == PICKLE


def test_functions_and_classes_of_this_very_program_are_kept() -> None:
    offset = 3
    back = decode(encode(lambda x: x + offset))
    assert back(4) == 7


def test_what_cannot_be_pickled_names_the_type_and_the_cause() -> None:
    with pytest.raises(SerializationError, match=r"_thread\.lock.*TypeError.*persist_result=False"):
        encode(threading.Lock())


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (Payload(metadata={"encoding": "binary/msgpack"}, data=b"x"), "'binary/msgpack' is not known here"),
        (Payload(data=b"x"), "'' is not known here"),
        (make_payload(JSON, b"{nope"), "its data is no JSON"),
        (make_payload(JSON, b"\xff"), "its data is no JSON"),
        (make_payload(PICKLE, b"no pickle"), "pickled value cannot be read here"),
        (make_payload(REFERENCE, b"{}"), "only says where a value is kept"),
    ],
)
def test_what_cannot_be_read_says_why(payload: Payload, text: str) -> None:
    with pytest.raises(SerializationError, match=text):
        decode(payload)


def test_looking_for_an_encoding_does_not_invent_one() -> None:
    payload = Payload()
    encoding_of(payload)
    assert not payload.metadata

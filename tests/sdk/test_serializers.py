"""Serializers: what comes back is what was written, and what cannot is said so."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from antiphon.exceptions import SerializationError
from antiphon.result_store import ResultStore, load
from antiphon.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    UnknownSerializer,
    read_encoded,
    resolve_serializer,
    write_encoded,
)


class Point(BaseModel):
    x: int
    label: str = ""


@dataclass
class Place:
    name: str
    at: tuple[int, int]


class Outer:
    @dataclass
    class Inner:
        a: int


VALUES: list[Any] = [
    None,
    1,
    "text",
    [1, {"a": [True, None]}],
    Point(x=1, label="a"),
    [Point(x=1), Point(x=2)],
    {"deep": {"point": Point(x=3)}},
    Place("home", (1, 2)),
    Outer.Inner(5),
    {1, 2},
    datetime(2024, 5, 1, 12, tzinfo=UTC),
    date(2024, 5, 1),
    timedelta(hours=1),
    uuid.UUID(int=5),
    Decimal("1.50"),
    Path("/a/b"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    "serializer",
    [
        PickleSerializer(),
        JSONSerializer(),
        CompressedJSONSerializer(),
        CompressedPickleSerializer(compressionlib="bz2"),
    ],
    ids=lambda each: each.type,
)
def test_what_comes_back_is_what_was_written(serializer: Serializer[Any], value: Any) -> None:
    assert serializer.loads(serializer.dumps(value)) == value
    # Also by who has only the bytes and their encoding.
    encoding, data = write_encoded(serializer, value)
    assert read_encoded(encoding, data) == value


def test_json_tells_exceptions() -> None:
    back = JSONSerializer[Any]().loads(JSONSerializer[Any]().dumps(ValueError("no")))
    assert type(back) is ValueError
    assert str(back) == "no"


def test_plain_json_is_what_any_program_reads() -> None:
    assert json.loads(JSONSerializer[Any]().dumps({"a": [1, 2]})) == {"a": [1, 2]}


@pytest.mark.parametrize("name", ["json", "pickle", "compressed/json", "compressed/pickle"])
def test_serializers_have_names(name: str) -> None:
    assert resolve_serializer(name).type == name
    assert resolve_serializer({"type": name}).type == name


def test_a_compressed_one_takes_the_name_of_another() -> None:
    compressed: CompressedSerializer[Any] = CompressedSerializer(serializer="json", compressionlib="zlib")
    assert compressed.loads(compressed.dumps([1])) == [1]
    assert len(compressed.dumps("a" * 10_000)) < 200


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownSerializer, match=r"no serializer 'yaml'; there are .*'json'.*'pickle'"):
        resolve_serializer("yaml")
    with pytest.raises(TypeError, match="not int"):
        resolve_serializer(5)


class Shouting(Serializer[str]):
    type: str = Field(default="test-shouting", frozen=True)
    mark: str = "!"

    def dumps(self, obj: str) -> bytes:
        return (obj + self.mark).encode()

    def loads(self, blob: bytes) -> str:
        return blob.decode().removesuffix(self.mark).upper()


def test_one_of_ones_own_is_found_with_its_options(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, serializer=Shouting(mark="??"))
    payload = store.persist("hey", persist_result=True, key="k")
    assert payload is not None
    assert (tmp_path / "k").read_bytes().endswith(b"hey??")
    assert load(payload) == "HEY"
    assert ResultStore(tmp_path, serializer="test-shouting").read("k").result == "HEY"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PickleSerializer(picklelib="no_such_module"), "cannot be imported"),
        (lambda: PickleSerializer(picklelib="math"), "no function 'dumps'"),
        (lambda: CompressedJSONSerializer(compressionlib="json"), "no function 'compress'"),
        (lambda: JSONSerializer(dumps_kwargs={"default": str}), "object_encoder"),
        (lambda: JSONSerializer(loads_kwargs={"object_hook": str}), "object_decoder"),
    ],
)
def test_wrong_options_are_said_so(make: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make()


def test_what_cannot_be_written_names_type_and_remedy() -> None:
    with pytest.raises(SerializationError, match=r"type object cannot be kept: the serializer 'json' failed.*pickle"):
        write_encoded(JSONSerializer(), object())

    @dataclass
    class Local:
        a: int

    with pytest.raises(SerializationError, match="local to a function"):
        write_encoded(JSONSerializer(), Local(1))


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("serializer/nobody-knows;{}", "no serializer 'nobody-knows'"),
        ("serializer/json;{}", "'json' wrote cannot be read here"),
        ("binary/other", "'binary/other' is not known here"),
    ],
)
def test_what_cannot_be_read_says_why(encoding: str, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        read_encoded(encoding, b"{broken")


def add_one(value: dict[str, int]) -> dict[str, int]:
    return {name: number + 1 for name, number in value.items()}


def test_a_compressed_one_keeps_the_options_of_the_one_inside() -> None:
    plain = CompressedSerializer(serializer=JSONSerializer())
    made = CompressedSerializer(serializer=JSONSerializer(object_decoder=f"{__name__}.add_one"))
    assert plain != made
    encoding, data = write_encoded(made, {"a": 1})
    assert read_encoded(encoding, data) == {"a": 2}

"""Variables by the SDK, against a real server."""

import asyncio
import inspect
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

import antiphon
from antiphon import flow, task
from antiphon.exceptions import ServerError
from antiphon.ids import new_id
from antiphon.v1.variable_service_pb2 import GetVariableRequest
from antiphon.variables import Variable
from kinds import Kind
from stored import Stored

pytestmark = pytest.mark.usefixtures("stored")


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    when: datetime


class Model(BaseModel):
    a: int = 1


@pytest.fixture
def name() -> str:
    """Of no variable yet."""
    return f"v-{new_id()}"


def test_the_life_of_a_variable(kind: Kind, name: str) -> None:
    @kind.flow()
    def body() -> Any:
        seen = [(yield Variable.get(name)), (yield Variable.get(name, 7))]
        seen.append((yield Variable.set(name, {"a": [1, None]}, tags=["x", "y"])))
        seen.append((yield Variable.get(name, 7)))
        seen.append((yield Variable.set(name, 5, overwrite=True)))
        seen += [(yield Variable.get(name)), (yield Variable.unset(name)), (yield Variable.unset(name))]
        return seen

    value = {"a": [1, None]}
    made, changed = Variable(name=name, value=value, tags=["x", "y"]), Variable(name=name, value=5, tags=[])
    assert kind.call(body) == [None, 7, made, value, changed, 5, True, False]


def test_twins_give_coroutines_in_any_code(name: str) -> None:
    for call in (Variable.aset(name, 1), Variable.aget(name), Variable.aunset(name)):
        assert inspect.iscoroutine(call)
        asyncio.run(call)


def test_outside_of_flows_the_loop_decides(name: str) -> None:
    async def in_a_loop() -> Any:
        await Variable.set(name, 1)
        return await Variable.get(name)

    assert asyncio.run(in_a_loop()) == 1
    assert Variable.get(name) == 1


def test_a_sync_task_in_an_async_flow_gets_values(name: str) -> None:
    @task
    def read() -> Any:
        return Variable.get(name, "none")

    @flow
    async def body() -> Any:
        return read()

    assert asyncio.run(body()) == "none"


def test_what_is_there_is_not_overwritten_unasked(kind: Kind, name: str) -> None:
    @kind.flow()
    def body() -> Any:
        yield Variable.set(name, 1)
        yield Variable.set(name, 2)

    with pytest.raises(ValueError, match=f"'{name}' already. Use overwrite=True"):
        kind.call(body)
    assert Variable.get(name) == 1


def test_overwrite_makes_what_is_not_there(name: str) -> None:
    assert Variable.set(name, "x", overwrite=True).value == "x"


@pytest.mark.parametrize(
    ("value", "stored_value"),
    [
        ("text", "text"),
        ("", ""),
        (True, True),
        (None, None),
        (2**60 + 1, 2**60 + 1),
        (1.5, 1.5),
        ((1, (2,)), [1, [2]]),
        (OrderedDict(a=1), {"a": 1}),
        ([], []),
        ("é\ud800\x00", "é\ud800\x00"),
        ({"x": datetime(2026, 1, 2, 3, tzinfo=UTC)}, {"x": "2026-01-02T03:00:00+00:00"}),
        ({"x": UUID(int=1)}, {"x": "00000000-0000-0000-0000-000000000001"}),
        ([Colour.RED], ["red"]),
        ([Point(1, datetime(2026, 1, 2))], [{"x": 1, "when": "2026-01-02T00:00:00"}]),
    ],
)
def test_values(name: str, value: Any, stored_value: Any) -> None:
    made = Variable.set(name, value)
    assert made.value == stored_value
    assert type(made.value) is type(stored_value)
    assert Variable.get(name, "default") == stored_value


def test_other_languages_read_the_value(stored: Stored, name: str) -> None:
    Variable.set(name, {"é": 1})
    client = stored.client
    kept = client.call(client.variables.GetVariable, GetVariableRequest(name=name)).variable
    assert kept.value == '{"é":1}'


def test_the_longest_value(name: str) -> None:
    assert Variable.set(name, "é" * 4998).value == "é" * 4998


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "not JSON compliant"),
        ([float("inf")], "not JSON compliant"),
        (object(), "object is not in JSON"),
        ({1, 2}, "set is not in JSON"),
        (b"x", "bytes is not in JSON"),
        ({1: 2}, "keys are text, and 1 is int"),
        (Model(), r"model_dump\(mode='json'\)"),
        ({"x": Model()}, "Model is not in JSON"),
        (Point, "type is not in JSON"),
        (endless(), "recursion"),
        ("x" * 4999, "at most 5,000 characters of JSON, and this has 5,001"),
    ],
)
def test_values_that_cannot_be(name: str, value: Any, says: str) -> None:
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=says):
            Variable.set(name, value, overwrite=overwrite)
    assert Variable.get(name) is None


@pytest.mark.parametrize("wrong", ["Abc", "a b", "a.b", "é", "", "a\n", "x" * 256])
def test_names_that_cannot_be(wrong: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 lowercase letters, digits, dashes and underscores"):
        Variable.set(wrong, 1)


def test_of_a_name_that_cannot_be_there_is_no_variable() -> None:
    assert Variable.get("No such name", 3) == 3
    assert Variable.unset("No such name") is False
    with pytest.raises(ServerError, match="name"):
        Variable.get("")


def test_a_name_is_text() -> None:
    for call in (lambda: Variable.get(5), lambda: Variable.set(None, 1), lambda: Variable.unset(5)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="The name of a variable is text"):
            call()


def test_tags_are_a_list_of_texts(name: str) -> None:
    with pytest.raises(TypeError, match=r"tags=\['x'\]"):
        Variable.set(name, 1, tags="x")  # type: ignore[arg-type]
    assert Variable.set(name, 1, tags=["b", "a", "b"]).tags == ["b", "a"]


def test_a_variable_is_a_model() -> None:
    assert Variable(name="x", value=1).model_dump() == {"name": "x", "value": 1, "tags": None}
    assert Variable[int](name="x", value=1).value == 1
    assert Variable[int].get(f"v-{new_id()}") is None
    with pytest.raises(ValidationError):
        Variable(name="x", value=object())  # type: ignore[arg-type]


def test_the_module_is_reached_as_an_attribute() -> None:
    assert antiphon.variables.Variable is Variable
    for method in (Variable.get, Variable.aget):
        assert list(inspect.signature(method).parameters) == ["name", "default"]
    assert list(inspect.signature(Variable.aset).parameters) == ["name", "value", "tags", "overwrite"]

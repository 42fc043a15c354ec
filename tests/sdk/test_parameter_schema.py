"""The JSON schema of a flow's parameters."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from antiphon import flow


class Order(BaseModel):
    count: int = Field(ge=1)


@dataclass
class Place:
    x: float


class Unknown: ...


def schema(fn: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = flow(fn).parameters.model_dump()
    return dumped


def test_types_defaults_and_places() -> None:
    def f(a: int, b: str = "x", *, c: list[float] | None = None, d: Literal["p", "q"] = "p") -> None: ...

    assert schema(f) == {
        "title": "Parameters",
        "type": "object",
        "properties": {
            "a": {"title": "a", "type": "integer", "position": 0},
            "b": {"title": "b", "type": "string", "position": 1, "default": "x"},
            "c": {
                "title": "c",
                "anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "null"}],
                "position": 2,
                "default": None,
            },
            "d": {"title": "d", "type": "string", "enum": ["p", "q"], "position": 3, "default": "p"},
        },
        "required": ["a"],
        "definitions": {},
    }


def test_models_are_definitions() -> None:
    def f(order: Order, places: list[Place], again: Order = Order(count=2)) -> None: ...  # noqa: B008

    found = schema(f)
    assert found["properties"]["order"]["$ref"] == "#/definitions/Order"
    assert found["properties"]["again"]["default"] == {"count": 2}
    assert set(found["definitions"]) == {"Order", "Place"}
    assert found["required"] == ["order", "places"]


def test_descriptions_from_the_docstring() -> None:
    def google(a: int, b: int, c: int = 0) -> None:
        """Says.

        Args:
            a: The first
                of all.
            b (int): The second.

        Returns:
            c: nothing
        """

    def sphinx(a: int) -> None:
        """:param int a: The first."""

    properties = schema(google)["properties"]
    assert [each.get("description") for each in properties.values()] == ["The first of all.", "The second.", None]
    assert schema(sphinx)["properties"]["a"]["description"] == "The first."


def test_what_has_no_schema_takes_anything() -> None:
    def f(a, b: Unknown, c: "Nowhere" = None, *args: int, when: datetime = datetime(2020, 1, 1), o=object(), **kw): ...  # type: ignore # noqa

    found = schema(f)
    properties = found["properties"]
    assert properties["a"] == {"title": "a", "position": 0}
    assert properties["b"] == {"title": "b", "position": 1}
    assert properties["when"]["format"] == "date-time" and properties["when"]["default"] == "2020-01-01T00:00:00"
    assert properties["o"] == {"title": "o", "position": 5}
    assert properties["args"]["items"] == {"type": "integer"}
    assert found["required"] == ["a", "b"]


def test_fields_of_pydantic() -> None:
    def f(a: int = Field(ge=3, description="Many"), b: Annotated[int, Field(lt=9)] = 1) -> None: ...

    found = schema(f)
    assert found["properties"]["a"] == {
        "title": "a",
        "type": "integer",
        "minimum": 3,
        "description": "Many",
        "position": 0,
    }
    assert found["properties"]["b"]["exclusiveMaximum"] == 9
    assert found["required"] == ["a"]


def test_a_methods_self_is_none_of_them() -> None:
    class Jobs:
        @flow
        def job(self, a: int) -> None: ...

    assert list(Jobs().job.parameters.properties) == ["a"]


def test_parameters_as_json() -> None:
    @flow
    def f(**anything: Any) -> None: ...

    loop: list[Any] = []
    loop.append(loop)
    found = f.serialize_parameters(
        {"a": 1, "b": [Order(count=1), {2}], "c": object(), "d": b"\xff", "e": loop, "f": lambda: 1}
    )
    assert found == {
        "a": 1,
        "b": [{"count": 1}, [2]],
        "c": "<object>",
        "d": "<bytes>",
        "e": "<list>",
        "f": "<function>",
    }


def test_pydantic_waits_for_the_first_that_asks() -> None:
    code = (
        "import sys; from antiphon import flow\n@flow\ndef f(a: int): ...\n"
        "assert 'pydantic' not in sys.modules; f.parameters; assert 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

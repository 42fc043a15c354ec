"""Futures inside structures."""

import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from pydantic import BaseModel, ConfigDict

from antiphon.annotations import allow_failure, opaque, quote, unmapped
from antiphon.collections_visit import find_futures, find_upstream, resolve
from antiphon.states import Completed, State


class Future:
    def __init__(self, value: Any = "value") -> None:
        self.value = value

    @property
    def state(self) -> State:
        return Completed(data=self.value)

    def wait(self, timeout: float | None = None) -> None: ...

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        return self.value

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = dataclasses.field(default=1, init=False)


@dataclasses.dataclass(slots=True)
class Slotted:
    a: Any


class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    a: Any
    b: int = 1


class Tagged(list[Any]):
    tag = "none"


def result_of(future: Future) -> Any:
    return future.value


F = Future("a")
G = Future("b")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        (F, "a"),
        ([F, 1, G], ["a", 1, "b"]),
        ((F,), ("a",)),
        ({F, 1}, {"a", 1}),
        (frozenset({F}), frozenset({"a"})),
        ({"k": F}, {"k": "a"}),
        ({F: 1}, {"a": 1}),
        ([[[{"k": (F, [G])}]]], [[[{"k": ("a", ["b"])}]]]),
        (Pair(F, 1), Pair("a", 1)),
        (Frozen(F), Frozen("a")),
        (Slotted([F]), Slotted(["a"])),
        (Model(a=[F]), Model(a=["a"])),
        (OrderedDict(k=F), OrderedDict(k="a")),
        (unmapped(F), "a"),
        (allow_failure([F]), ["a"]),
        (opaque(F), "a"),
    ],
)
def test_futures_are_found_and_replaced(value: Any, resolved: Any) -> None:
    assert F in find_futures(value)
    before = repr(value)
    found = resolve(value, result_of)
    assert found == resolved
    assert type(found) is type(resolved)
    assert repr(value) == before


@pytest.mark.parametrize(
    "value",
    [
        *(1, "a", None, b"x", 1.5, [], {}, (), [1, ["a", {"k": (1, 2)}]], Pair(1, [2]), Frozen([1]), Slotted({1})),
        *(Model(a=[1]), {1: {2: {3}}}, "not walked", object(), MagicMock(), Future, len, Exception("x")),
    ],
)
def test_what_holds_no_future_stays_the_same_object(value: Any) -> None:
    assert find_futures(value) == []
    assert resolve(value, result_of) is value


def test_parts_without_futures_stay_the_same_objects() -> None:
    untouched = [1, {"a": object()}]
    value = {"untouched": untouched, "touched": [F]}
    resolved = resolve(value, result_of)
    assert resolved == {"untouched": untouched, "touched": ["a"]}
    assert resolved["untouched"] is untouched
    assert value["touched"] == [F]


def test_each_future_is_found_once_and_in_order() -> None:
    assert find_futures([F, [G, F], {"k": G}]) == [F, G]
    assert find_futures([[G], F]) == [G, F]
    assert find_futures({"a": G, "b": F}) == [G, F]


def test_each_future_is_resolved_once() -> None:
    asked: list[Future] = []

    def resolver(future: Future) -> str:
        asked.append(future)
        return "r"

    assert resolve([F, F, (F,)], resolver) == ["r", "r", ("r",)]
    assert asked == [F]


def test_shared_parts_stay_shared() -> None:
    shared = [F]
    resolved = resolve([shared, shared], result_of)
    assert resolved == [["a"], ["a"]]
    assert resolved[0] is resolved[1]


def test_structures_that_contain_themselves_come_to_an_end() -> None:
    endless: list[Any] = [F]
    endless.append(endless)
    assert find_futures(endless) == [F]
    resolved = resolve(endless, result_of)
    assert resolved[0] == "a"
    assert resolved[1] is endless
    plain: dict[str, Any] = {}
    plain["self"] = plain
    assert resolve(plain, result_of) is plain


def test_depth_without_futures_is_free() -> None:
    deep: Any = [1]
    for _ in range(100_000):
        deep = [deep]
    assert find_futures(deep) == []
    assert resolve(deep, result_of) is deep
    while deep != [1]:
        deep = deep[0]


def test_quoted_values_are_left_alone() -> None:
    inner = [F]
    assert find_futures(quote(inner)) == []
    assert resolve(quote(inner), result_of) is inner
    assert resolve([quote(F), G], result_of) == [F, "b"]


def test_opaque_values_are_not_looked_into() -> None:
    inner = [F]
    assert find_futures(opaque(inner)) == []
    assert resolve(opaque(inner), result_of) is inner
    assert find_futures(opaque(F)) == [F]


def test_futures_that_may_fail_have_a_resolver_of_their_own() -> None:
    value = [F, allow_failure(F), allow_failure({"k": [G]}), G]
    assert find_futures(value) == [F, G]
    resolved = resolve(value, result_of, on_allow_failure=lambda future: f"even {future.value}")
    assert resolved == ["a", "even a", {"k": ["even b"]}, "b"]


def test_annotations_can_be_kept() -> None:
    value = [quote(F), unmapped(F), allow_failure(1), opaque([F])]
    resolved = resolve(value, result_of, unwrap_annotations=False)
    assert resolved == [quote(F), unmapped("a"), allow_failure(1), opaque([F])]
    plain = [quote(1), unmapped([2])]
    assert resolve(plain, result_of, unwrap_annotations=False) is plain
    assert resolve(plain, result_of) == [1, [2]]


def test_subclasses_keep_what_is_theirs() -> None:
    tagged = Tagged([F])
    tagged.tag = "mine"
    resolved = resolve(tagged, result_of)
    assert (type(resolved), resolved, resolved.tag) == (Tagged, ["a"], "mine")
    counts: defaultdict[str, Any] = defaultdict(int, k=F)
    resolved = resolve(counts, result_of)
    assert resolved == {"k": "a"}
    assert resolved["absent"] == 0


def test_results_that_cannot_stand_in_a_set_or_key_say_so() -> None:
    unhashable = Future([1])
    with pytest.raises(TypeError, match="cannot be in a set, where its future was"):
        resolve({unhashable}, result_of)
    with pytest.raises(TypeError, match="cannot be a key of a dict"):
        resolve({unhashable: 1}, result_of)


def test_states_are_resolved_and_are_no_futures() -> None:
    future, state = Future(), Completed(data="state's")
    value = {"a": [future, state]}
    assert find_upstream(value) == [future, state] and find_futures(value) == [future]
    assert resolve(value, lambda each: each.result()) == {"a": ["value", "state's"]}
    assert resolve([quote(state)], lambda each: each.result()) == [state]

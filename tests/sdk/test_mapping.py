"""`Task.map`: what is taken apart, what stays whole, and what cannot be mapped."""

from collections.abc import Iterator
from typing import Any

import pytest

from antiphon import allow_failure, flow, task, unmapped
from antiphon.annotations import quote
from antiphon.exceptions import MappingLengthMismatch, MappingMissingIterable, ParameterBindError, UpstreamTaskError
from antiphon.futures import AntiphonFutureList
from antiphon.mapping import mapped_parameters
from kinds import Kind
from stored import Stored


def pair(x: Any, y: Any = "y") -> Any:
    return x, y


def rows(x: Any, y: Any) -> list[Any]:
    return [(row["x"], row["y"]) for row in mapped_parameters(pair, {"x": x, "y": y})]


def numbers() -> Iterator[int]:
    yield from (1, 2)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([1, 2], [3, 4], [(1, 3), (2, 4)]),
        ((1, 2), "text", [(1, "text"), (2, "text")]),
        (numbers(), 5, [(1, 5), (2, 5)]),
        (range(2), b"bytes", [(0, b"bytes"), (1, b"bytes")]),
        ([1, 2], {"a": 1}, [(1, {"a": 1}), (2, {"a": 1})]),
        ([1, 2], bytearray(b"b"), [(1, bytearray(b"b")), (2, bytearray(b"b"))]),
        ({1: "one", 2: "two"}.items(), None, [((1, "one"), None), ((2, "two"), None)]),
        ([1, 2], unmapped([3, 4]), [(1, [3, 4]), (2, [3, 4])]),
        (unmapped(1), [[2], [3]], [(1, [2]), (1, [3])]),
        ([[1], [2]], 3, [([1], 3), ([2], 3)]),
        ([1, 2], quote([3, 4]), [(1, quote([3, 4])), (2, quote([3, 4]))]),
        ("text", ["a"], [("text", "a")]),
        ([1, 2], allow_failure([3, 4]), [(1, allow_failure(3)), (2, allow_failure(4))]),
        ([None], 1, [(None, 1)]),
    ],
)
def test_what_is_taken_apart(x: Any, y: Any, expected: list[Any]) -> None:
    assert rows(x=x, y=y) == expected


@pytest.mark.parametrize(("x", "y"), [("text", 1), (unmapped([1]), 2), ({}, None), ([], 1), ([], []), ((), "text")])
def test_nothing_to_map_over(x: Any, y: Any) -> None:
    with pytest.raises(MappingMissingIterable, match=r"Nothing to map over was given to pair.map\(...\)"):
        rows(x=x, y=y)


@pytest.mark.parametrize(("x", "y"), [([1], [2, 3]), ([], [1]), ((1, 2), range(3))])
def test_lengths_that_differ(x: Any, y: Any) -> None:
    with pytest.raises(MappingLengthMismatch, match=rf"x: {len(x)}, y: {len(y)}"):
        rows(x=x, y=y)


def test_variadic_parameters_are_taken_apart_by_element() -> None:
    def variadic(*args: Any, **kwargs: Any) -> None: ...

    given = {"args": ([1, 2], "whole"), "kwargs": {"a": [3, 4], "b": unmapped([5])}}
    assert list(mapped_parameters(variadic, given)) == [
        {"args": (1, "whole"), "kwargs": {"a": 3, "b": [5]}},
        {"args": (2, "whole"), "kwargs": {"a": 4, "b": [5]}},
    ]
    with pytest.raises(MappingLengthMismatch, match=r"args\[0\]: 1, kwargs\['a'\]: 2"):
        mapped_parameters(variadic, {"args": ([1],), "kwargs": {"a": [1, 2]}})


# On the server


def test_map(kind: Kind, stored: Stored) -> None:
    @kind.task()
    def double(x: int) -> int:
        return x * 2

    @kind.flow()
    def around() -> Any:
        futures = double.map([1, 2, 3])
        assert isinstance(futures, AntiphonFutureList)
        futures.wait()
        return futures.result()

    state = kind.call(around, return_state=True)
    assert state.result() == [2, 4, 6]
    runs = stored.task_runs(state.state_details.flow_run_id)
    assert [run.name for run in runs] == ["double-0", "double-1", "double-2"]


def test_defaults_stay_whole(stored: Stored) -> None:
    @task
    def looks(x: int, options: Any = (1, 2, 3), more: Any = "xyz", *rest: Any, **named: Any) -> Any:
        return x, options, more, rest, named

    @flow
    def around() -> Any:
        return looks.map([1, 2]).result(), looks.map([1, 2], [3, 4]).result()

    assert around() == (
        [(1, (1, 2, 3), "xyz", (), {}), (2, (1, 2, 3), "xyz", (), {})],
        [(1, 3, "xyz", (), {}), (2, 4, "xyz", (), {})],
    )


def test_futures_as_arguments(stored: Stored) -> None:
    @task
    def make(count: int) -> list[int]:
        return list(range(count))

    @task
    def plus(x: int, y: Any = 0) -> int:
        return x + (y if isinstance(y, int) else sum(y))

    @flow
    def around() -> Any:
        of_a_list = plus.map(make.submit(3))
        elementwise = plus.map(of_a_list, 10)
        whole = plus.map([1, 2], unmapped(make.submit(3)))
        number = plus.map([1, 2], plus.submit(5))
        return of_a_list.result(), elementwise.result(), whole.result(), number.result()

    assert around() == ([0, 1, 2], [10, 11, 12], [4, 5], [6, 7])


def test_a_failed_future_as_the_only_iterable(stored: Stored) -> None:
    @task
    def broken() -> list[int]:
        raise ValueError("bad")

    @task
    def plus(x: int) -> int:
        return x

    @flow
    def around() -> Any:
        plus.map(broken.submit())

    with pytest.raises(UpstreamTaskError, match=r"plus.map\(...\) got as x did not complete, .*: it is Failed"):
        around()


def test_one_element_that_failed_concerns_only_its_own_run(stored: Stored) -> None:
    @task
    def check(x: int) -> int:
        if x == 2:
            raise ValueError("bad")
        return x

    @task
    def plus(x: Any) -> Any:
        return x + 1 if isinstance(x, int) else type(x).__name__

    @flow
    def around() -> Any:
        checked = check.map([1, 2, 3])
        return [
            [future.state.name for future in _ended(plus.map(checked))],
            plus.map(allow_failure(checked)).result(),
        ]

    def _ended(futures: AntiphonFutureList[Any]) -> AntiphonFutureList[Any]:
        futures.wait()
        return futures

    assert around() == [["Completed", "NotReady", "Completed"], [2, "ValueError", 4]]


def test_states_wait_for_and_return_state(stored: Stored) -> None:
    order: list[str] = []

    @task
    def first() -> None:
        order.append("first")

    @task
    def then(x: int) -> int:
        order.append("then")
        return x

    @flow
    def around() -> Any:
        states = then.map([1, 2], wait_for=[first.submit()], return_state=True)
        return [state.result() for state in states]

    assert around() == [1, 2]
    assert order == ["first", "then", "then"]


def test_mistakes(stored: Stored) -> None:
    decorated = task(pair)

    @flow
    def around() -> None:
        with pytest.raises(MappingMissingIterable, match=r"pair.map\(...\)"):
            decorated.map(1)
        with pytest.raises(MappingLengthMismatch, match="x: 1, y: 2"):
            decorated.map([1], [1, 2])
        with pytest.raises(ParameterBindError, match="missing a required argument: 'x'"):
            decorated.map(y=[1])

    state = around(return_state=True)
    assert state.is_completed()
    assert stored.task_runs(state.state_details.flow_run_id or "") == []
    with pytest.raises(RuntimeError, match="`map` works inside a flow only"):
        decorated.map([1])


def test_methods_are_mapped(stored: Stored) -> None:
    class Job:
        def __init__(self) -> None:
            self.base = 10

        @task
        def plus(self, x: int) -> int:
            return self.base + x

    @flow
    def around() -> list[int]:
        return Job().plus.map([1, 2]).result()

    assert around() == [11, 12]


def test_a_thousand(stored: Stored) -> None:
    @task
    def double(x: int) -> int:
        return x * 2

    @flow
    def around() -> Any:
        return double.map(range(1000))

    state = around(return_state=True)
    assert state.result() == [x * 2 for x in range(1000)]
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert len(runs) == 1000
    assert {run.state.name for run in runs} == {"Completed"}
    assert {run.dynamic_key for run in runs} == {str(i) for i in range(1000)}

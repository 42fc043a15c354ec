"""Tasks: the decorator and the call, and what the server stored of their runs."""

import asyncio
from typing import Any

import pytest

from antiphon import Task, flow, runtime, tags, task
from antiphon.annotations import NotSet
from antiphon.exceptions import (
    CancelledRun,
    FailedRun,
    InvalidNameError,
    ParameterBindError,
    ReservedArgumentError,
)
from antiphon.states import Cancelled, Completed, Failed, State
from antiphon.tasks import exponential_backoff
from kinds import Kind
from stored import Stored, type_of


def add(x: int, y: int = 1) -> int:
    return x + y


def fail() -> None:
    raise ValueError("bad")


# The decorator


def test_bare_and_with_options() -> None:
    bare, called, named = task(add), task()(add), task(name="plus", tags=["math"])(add)
    assert [each.name for each in (bare, called, named)] == ["add", "add", "plus"]
    assert named.tags == {"math"}
    assert all(isinstance(each, Task) for each in (bare, called, named))


def test_it_looks_like_its_function() -> None:
    @task
    def documented() -> None:
        """What it does."""

    assert documented.__name__ == "documented"
    assert documented.__doc__ == documented.description == "What it does."
    assert task(description="other words")(documented.fn).description == "other words"
    assert repr(documented) == "<Task 'documented'>"
    assert documented.task_key.endswith("test_it_looks_like_its_function.<locals>.documented")


def test_with_options_copies_with_changes() -> None:
    def hook(*_: object) -> None: ...

    before = task(name="a", tags=["t"], retries=2, retry_delay_seconds=[1, 2], on_failure=[hook], version="1")(add)
    after = before.with_options(name="b", retries=NotSet, timeout_seconds=3)
    assert (after.name, after.retries, after.retry_delays, after.timeout_seconds) == ("b", 2, [1, 2], 3.0)
    assert after.tags == {"t"}
    assert after.version == "1"
    assert after.on_failure_hooks == [hook]
    assert (before.name, before.timeout_seconds) == ("a", None)
    after.on_failure(hook)
    assert before.on_failure_hooks == [hook]
    assert before.with_options(retries=0).retries == 0
    kept = after.with_options(name=None, timeout_seconds=None, tags=None, on_failure=None, retries=None)
    assert (kept.name, kept.timeout_seconds, kept.tags, kept.retries) == ("b", 3.0, {"t"}, 0)
    assert kept.on_failure_hooks == [hook, hook]


def test_half_a_surrogate_pair_is_written_as_an_escape(stored: Stored) -> None:
    half = chr(0xD800)
    odd = task(name=f"n{half}", tags=[f"t{half}"], version=f"v{half}")(add)
    run = stored.task_run(odd(1, 2, return_state=True).state_details.task_run_id or "")
    assert run.name.startswith(r"n\ud800-") and list(run.tags) == [r"t\ud800"] and run.task_version == r"v\ud800"


def test_the_longest_name(stored: Stored) -> None:
    state = task(name="n" * 500)(add)(1, 2, return_state=True)
    assert len(stored.task_run(state.state_details.task_run_id or "").name) == 500


def test_too_many_tags_in_all(stored: Stored) -> None:
    tagged = task(tags=[f"t{number}" for number in range(60)])(add)
    with tags(*(f"c{number}" for number in range(41))), pytest.raises(ValueError, match="at most 100 tags, not 101"):
        tagged(1)


def test_decorators_can_be_stacked(stored: Stored) -> None:
    @task(name="outer")
    @task(name="inner")
    def both() -> str:
        return runtime.task_run.name or ""

    assert both.name == "outer" and both().startswith("inner-")


def test_a_failure_that_many_ask_for_keeps_its_traceback_short(stored: Stored) -> None:
    @task
    def fails() -> None:
        raise ValueError("bad")

    state = fails(return_state=True)
    lengths = []
    for _ in range(5):
        with pytest.raises(ValueError, match="bad") as raised:
            state.result()
        lengths.append(len(raised.traceback))
    assert len(set(lengths)) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"retries": -1}, ValueError, "from 0 to 10,000, not -1"),
        ({"retries": "3"}, TypeError, "whole number"),
        ({"retries": True}, TypeError, "whole number"),
        ({"retries": 1.5}, TypeError, "whole number"),
        ({"retries": 1, "retry_delay_seconds": -1}, ValueError, "0 or more seconds"),
        ({"retries": 2, "retry_delay_seconds": [1, "2"]}, TypeError, r"retry_delay_seconds\[1\] must be a number"),
        ({"retries": 1, "retry_delay_seconds": "fast"}, TypeError, "a number of seconds, a list"),
        ({"retries": 1, "retry_delay_seconds": lambda count: None if count else []}, None, ""),
        ({"retry_jitter_factor": -0.1}, ValueError, "from 0 .no jitter"),
        ({"tags": "solo"}, TypeError, r"write tags=\['solo'\]"),
        ({"tags": [1]}, TypeError, "A tag is text, not int"),
        ({"tags": [""]}, ValueError, "1 to 200 characters"),
        ({"tags": ["x" * 201]}, ValueError, "1 to 200 characters"),
        ({"tags": [str(i) for i in range(101)]}, ValueError, "at most 100 tags"),
        ({"name": "x" * 501}, InvalidNameError, "at most 500 characters"),
        ({"version": 2}, TypeError, "A version is text, not int"),
        ({"version": "x" * 501}, ValueError, "at most 500 characters"),
        ({"timeout_seconds": -1}, ValueError, "more than 0 and at most 1,000,000,000, not -1"),
        ({"timeout_seconds": "1"}, TypeError, "a number of seconds or None, not str"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"name": 3}, InvalidNameError, "is text, not int"),
        ({"task_run_name": 3}, TypeError, "task_run_name is text or a function"),
        ({"log_prints": "no"}, TypeError, "log_prints is True, False or None, not 'no'"),
        ({"persist_result": 1}, TypeError, "persist_result is True, False or None, not 1"),
        ({"on_failure": print}, TypeError, r"write on_failure=\[print\]"),
        ({"on_completion": ["hook"]}, TypeError, "'hook' is none"),
        ({"retry_condition_fn": "x"}, TypeError, "is a function, not 'x'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception] | None, message: str) -> None:
    if error is None:
        assert task(**options)(add).retry_delays == []
        return
    with pytest.raises(error, match=message):
        task(**options)(add)


def test_an_option_that_does_not_exist_in_with_options() -> None:
    with pytest.raises(TypeError, match="colour"):
        task(add).with_options(colour="red")


@pytest.mark.parametrize("name", ["return_state", "wait_for"])
def test_a_reserved_parameter(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def taken({name}): ...", scope)
    with pytest.raises(ReservedArgumentError, match=f"takes '{name}', which task calls keep for themselves"):
        task(scope["taken"])


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="@task stands on functions, not on int: 5"):
        task(5)  # type: ignore[call-overload]


def test_retry_delays() -> None:
    assert task(retries=3, retry_delay_seconds=2)(add).retry_delays == [2.0]
    assert task(retries=3, retry_delay_seconds=exponential_backoff(1.5))(add).retry_delays == [1.5, 3.0, 6.0]


# Calling


def test_a_task_on_its_own(kind: Kind, stored: Stored) -> None:
    decorated = kind.task()(add)
    assert kind.call(decorated, 1, y=2) == 3
    state = kind.call(decorated, 1, return_state=True)
    assert state.result() == 2
    run = stored.task_run(state.state_details.task_run_id)
    assert type_of(run.state) == "COMPLETED"
    assert run.flow_run_id == ""
    assert run.task_key.endswith("test_tasks.add")
    assert run.name.startswith("add-")
    assert run.run_count == 1
    assert stored.task_run_history(run.id) == ["Pending", "Running", "Completed"]


def test_a_task_in_a_flow(kind: Kind, stored: Stored) -> None:
    decorated = kind.task(tags=["math"], version="7")(add)

    @kind.flow()
    def around() -> Any:
        first = yield decorated(1)
        second = yield decorated(first, y=10)
        return [first, second]

    state = kind.call(around, return_state=True)
    assert state.result() == [2, 12]
    runs = stored.task_runs(state.state_details.flow_run_id)
    assert [(run.name, run.dynamic_key) for run in runs] == [("add-0", "0"), ("add-1", "1")]
    assert {run.task_version for run in runs} == {"7"}
    assert [list(run.tags) for run in runs] == [["math"], ["math"]]
    assert all(stored.task_run_history(run.id) == ["Pending", "Running", "Completed"] for run in runs)


def test_a_task_calls_a_task(kind: Kind, stored: Stored) -> None:
    inner = kind.task()(add)

    @kind.task()
    def outer() -> Any:
        value = yield inner(1)
        return value * 10

    @kind.flow()
    def around() -> Any:
        value = yield outer()
        return value

    state = kind.call(around, return_state=True)
    assert state.result() == 20
    assert [run.name for run in stored.task_runs(state.state_details.flow_run_id)] == ["outer-0", "add-0"]
    assert kind.call(outer) == 20


def test_an_exception_is_raised_where_the_task_was_called(kind: Kind, stored: Stored) -> None:
    decorated = kind.task()(fail)
    with pytest.raises(ValueError, match="bad") as caught:
        kind.call(decorated)
    assert "raise ValueError" in str(caught.traceback[-1].statement)
    state = kind.call(decorated, return_state=True)
    assert state.is_failed()
    run = stored.task_run(state.state_details.task_run_id)
    assert (type_of(run.state), run.state.name, run.state.message) == ("FAILED", "Failed", "ValueError: bad")


@pytest.mark.parametrize("made", [Completed(data=5), Completed(message="words"), Failed(message="no"), Cancelled()])
def test_a_state_that_a_task_returns_is_its_end(kind: Kind, stored: Stored, made: State) -> None:
    @kind.task()
    def own() -> State:
        return made.fresh_copy()

    state = kind.call(own, return_state=True)
    run = stored.task_run(state.state_details.task_run_id)
    assert (state.type, state.message) == (made.type, made.message)
    assert (type_of(run.state), run.state.message) == (made.type, made.message or "")
    if made.is_failed():
        with pytest.raises(FailedRun, match="no"):
            kind.call(own)
    elif made.is_cancelled():
        with pytest.raises(CancelledRun):
            kind.call(own)
    else:
        kind.call(own)


def test_an_exception_that_a_task_returns_is_its_result(kind: Kind, stored: Stored) -> None:
    error = ValueError("returned")

    @kind.task()
    def careful() -> Exception:
        return error

    assert kind.call(careful) is error


def test_arguments_that_do_not_bind() -> None:
    decorated = task(add)
    calls: list[tuple[Any, Any]] = [((), {}), ((1, 2, 3), {}), ((1,), {"z": 2})]
    for args, kwargs in calls:
        with pytest.raises(ParameterBindError, match=r"add\(\) cannot be called with these arguments"):
            decorated(*args, **kwargs)


def test_variadic_arguments(kind: Kind, stored: Stored) -> None:
    @kind.task()
    def all_of(first: Any, /, *args: Any, key: Any = None, **kwargs: Any) -> Any:
        return first, args, key, kwargs

    assert kind.call(all_of, 1, 2, 3, key=4, other=5) == (1, (2, 3), 4, {"other": 5})


def test_methods(kind: Kind, stored: Stored) -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 40

        @kind.task()
        def bound(self, by: int) -> int:
            return self.count + by

    counter = Counter()
    assert kind.call(counter.bound, 2) == 42
    assert kind.call(Counter.bound, counter, 2) == 42
    assert kind.call(counter.bound.with_options(name="other"), 2) == 42
    assert counter.bound.name == "bound"
    assert counter.bound.isasync is kind.is_async


def test_static_and_class_methods(stored: Stored) -> None:
    class Maker:
        step = 2

        @task
        @staticmethod
        def static(x: int) -> int:
            return x

        @task
        @classmethod
        def of_class(cls, x: int) -> int:
            return cls.step * x

        @task(name="renamed")
        @classmethod
        async def later(cls, x: int) -> int:
            return cls.step * x

        @staticmethod
        @task
        def outside(x: int) -> int:
            return x

    class Other(Maker):
        step = 3

    # A type checker thinks that an instance binds them all.
    classes: list[Any] = [Maker, Other, Maker(), Other()]
    assert [each.static(1) for each in classes] == [each.outside(1) for each in classes] == [1, 1, 1, 1]
    assert [each.of_class(1) for each in classes] == [2, 3, 2, 3]
    assert [asyncio.run(each.later(1)) for each in classes] == [2, 3, 2, 3]
    assert Other.later.with_options(name="again").name == "again"

    @flow
    def around() -> list[Any]:
        return [Maker().of_class.submit(2).result(), *Other.of_class.map([1, 2]).result()]

    assert around() == [4, 3, 6]


def test_a_callable_object(stored: Stored) -> None:
    class Adder:
        def __call__(self, x: int) -> int:
            return x + 1

    decorated = task(Adder())
    assert decorated.name == "Adder"
    assert decorated(1) == 2

"""What people do wrong at first, and what they are told: the cause, and what to do."""

import asyncio
import gc
import logging
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, get_run_logger, task
from antiphon.cache_policies import Inputs
from antiphon.exceptions import (
    MappingLengthMismatch,
    MappingMissingIterable,
    MissingContextError,
    ParameterBindError,
    ParameterTypeError,
    ReservedArgumentError,
    ResultStorageError,
    UnfinishedRun,
)
from antiphon.futures import AntiphonFuture
from antiphon.task_runners import ThreadPoolTaskRunner
from kinds import Kind
from stored import Stored


@task
def inc(x: int) -> int:
    return x + 1


@task
def boom() -> int:
    raise ValueError("the cause")


@flow
def typed(n: int, who: str = "you") -> int:
    return n


def says(error: type[BaseException], *parts: str) -> Any:
    """Expects an error whose message has these parts in order."""
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, parts)))


def test_the_result_of_a_failed_future(stored: Stored) -> None:
    @flow
    def asks() -> int:
        return boom.submit().result()

    with says(ValueError, "the cause"):
        asks()

    @flow
    def looks() -> Any:
        return boom.submit().result(raise_on_failure=False)

    with says(ValueError, "the cause"):  # a flow that returns an exception has failed by it
        raise looks()


@pytest.mark.parametrize("use", [lambda: inc.submit(1), lambda: inc.map([1])])
def test_submitting_outside_of_a_flow(use: Callable[[], Any], stored: Stored) -> None:
    with says(RuntimeError, "works inside a flow only", "Call the task directly"):
        use()


@pytest.mark.parametrize("decorator", [flow, task])
def test_an_async_one_that_nobody_awaits_is_named(decorator: Any) -> None:
    @decorator
    async def forgotten() -> int:
        return 1

    coroutine = forgotten()
    assert "forgotten" in repr(coroutine)
    with pytest.warns(RuntimeWarning, match="coroutine '.*forgotten' was never awaited"):
        del coroutine
        gc.collect()


def test_awaiting_a_sync_task(stored: Stored) -> None:
    async def waits() -> Any:
        return await inc(1)  # type: ignore[misc]

    with says(TypeError, "can't be used in 'await' expression"):
        asyncio.run(waits())


def test_parameters_of_other_types_are_named_one_by_one(stored: Stored) -> None:
    with says(ParameterTypeError, "typed do not fit", "- n: Input should be a valid integer", "'one'", "- who: Input"):
        typed("one", who=[1])  # type: ignore[call-overload]


@pytest.mark.parametrize("run", [typed, inc])
def test_missing_and_unknown_parameters(run: Any, stored: Stored) -> None:
    name = run.fn.__name__
    with says(ParameterBindError, f"{name}() cannot be called", "missing a required argument", f"It is {name}("):
        run()
    with says(ParameterBindError, f"{name}() cannot be called", "unexpected keyword argument 'nme'"):
        run(1, nme=2)
    with says(ParameterBindError, "too many positional arguments"):
        run(1, 2, 3)


def test_map_without_the_iterable(stored: Stored) -> None:
    @flow
    def maps(*args: Any) -> Any:
        return inc.map(*args).result()

    with says(ParameterBindError, "missing a required argument: 'x'"):
        maps()
    for nothing in ([], 1, "text", {"a": 1}):
        with says(
            MappingMissingIterable, "Nothing to map over was given to inc.map", "a single call is made with submit"
        ):
            maps(nothing)


def test_mapping_over_different_lengths(stored: Stored) -> None:
    @task
    def add(a: int, b: int) -> int:
        return a + b

    @flow
    def maps() -> Any:
        return add.map([1, 2], [1, 2, 3])

    with says(MappingLengthMismatch, "differ in length: a: 2, b: 3. Put unmapped(...) around"):
        maps()


def test_a_list_that_is_changed_as_it_is_mapped(stored: Stored) -> None:
    @flow
    def maps() -> list[int]:
        numbers = [1, 2, 3]
        futures = inc.map(numbers)
        numbers[0] = 100
        numbers.append(4)
        return futures.result()

    assert maps() == [2, 3, 4]


def test_a_result_that_nobody_can_write(stored: Stored, caplog: pytest.LogCaptureFixture) -> None:
    @task(persist_result=True, result_serializer="json")
    def makes() -> Any:
        return object()

    @flow
    def around() -> bool:
        return isinstance(makes(), object)

    with caplog.at_level(logging.WARNING):
        assert around() is True
    assert "object" in caplog.text and "serialize" in caplog.text.lower()


def test_storage_that_is_not_there(stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    @flow
    def around() -> int:
        return inc.with_options(persist_result=True, result_storage=tmp_path / "file" / "results")(1)

    with says(ResultStorageError, "could not be written to", "file/results", "Not a directory", "Make room or access"):
        around()


def test_a_run_that_calls_itself_without_end(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def endless(n: int) -> Any:
        return (yield endless(n + 1))

    with says(RecursionError, "<Flow 'endless'> is called inside 61 runs", "Does it call itself without an end?"):
        kind.call(endless, 0)
    states = {run.state.name for run in stored.flow_runs("endless")}
    assert states == {"Failed"}


def test_a_task_that_submits_itself_without_end(stored: Stored) -> None:
    @task
    def part(n: int) -> Any:
        return whole(n)

    @flow
    def whole(n: int) -> Any:
        return part.submit(n + 1).result()

    @task
    def alone(n: int) -> Any:
        return alone(n + 1)

    with says(RecursionError, "called inside 61 runs", "Does it call itself"):
        whole(0)
    with says(RecursionError, "<Task 'alone'> is called inside 61 runs"):
        alone(0)


def test_a_future_of_another_flow_run(stored: Stored) -> None:
    kept: list[AntiphonFuture[int]] = []

    @flow
    def first() -> None:
        kept.extend((inc.submit(1), boom.submit()))

    @flow
    def second(which: int) -> Any:
        return inc.submit(kept[which]).result()

    first()
    assert second(0) == 3
    with says(UnfinishedRun, "NotReady", kept[1].task_run_id, "did not complete", "the cause"):
        second(1)


def test_a_task_runner_on_its_own(stored: Stored) -> None:
    runner = ThreadPoolTaskRunner()
    with says(RuntimeError, "The task runner is not started. Submit tasks from inside a flow, or use `with runner:`"):
        runner.submit(inc, {"x": 1})
    with runner:
        assert runner.submit(inc, {"x": 1}).result() == 2


@pytest.mark.parametrize("verb", ["submit", "map", "delay"])
def test_a_flow_is_no_task(verb: str) -> None:
    with says(AttributeError, f"no attribute '{verb}': tasks have, flows are called", f"inside a task and {verb} that"):
        getattr(typed, verb)
    assert not hasattr(typed, "nonsense")


def test_two_of_one_name_are_two(stored: Stored) -> None:
    """As Prefect does, without a word: what differs is the function."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        @flow(name="the-same-name")
        def one() -> int:
            return task(name="same")(lambda: 1)()

        @flow(name="the-same-name")
        def two() -> int:
            return task(name="same")(lambda: 2)()

    assert (one(), two()) == (1, 2)
    assert len(stored.flow_runs("the-same-name")) == 2


def test_decorators_one_on_the_other(stored: Stored) -> None:
    @task
    @flow
    def flow_in_task() -> int:
        return 1

    @flow
    @task
    def task_in_flow() -> int:
        return 2

    @flow
    @flow
    def flow_in_flow() -> int:
        return 3

    assert (flow_in_task(), task_in_flow(), flow_in_flow()) == (1, 2, 3)


@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_what_is_no_function(decorator: Any) -> None:
    class Job: ...

    name = decorator(lambda: 1).__class__.__name__.lower()
    with says(TypeError, f"@{name} stands on functions, and Job is a class. Put @{name} on its methods"):
        decorator(Job)
    with says(TypeError, f"@{name} stands on functions, not on int: 7"):
        decorator(7)
    with says(TypeError, f"A {name} has no option 'nme'. Is 'name' meant?"):
        decorator(nme="x")
    with says(TypeError, f"A {name} has no option 'zzzz'. There are: name, "):
        decorator(lambda: 1).with_options(zzzz=1)


@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
@pytest.mark.parametrize("parameter", ["return_state", "wait_for"])
def test_parameters_that_calls_keep(decorator: Any, parameter: str) -> None:
    function: Any = {"return_state": lambda return_state: 1, "wait_for": lambda wait_for: 1}[parameter]
    with says(ReservedArgumentError, f"'{parameter}'", "calls keep for themselves. Give the parameter another name"):
        decorator(function)


@pytest.mark.parametrize(
    ("decorator", "options", "error", "message"),
    [
        (flow, {"retries": -1}, ValueError, "The number of retries must be from 0"),
        (task, {"retries": -1}, ValueError, "The number of retries must be from 0"),
        (task, {"retry_delay_seconds": -1, "retries": 1}, ValueError, "-1"),
        (flow, {"timeout_seconds": -1}, ValueError, "timeout_seconds must be more than 0"),
        (task, {"tags": "abc"}, TypeError, "Tags are a list of texts, not one text: write tags=['abc']"),
        (task, {"tags": [1]}, TypeError, "A tag is text, not int: 1"),
        (flow, {"on_failure": print}, TypeError, "on_failure is a list of functions: write on_failure=[print]"),
        (task, {"on_completion": ["x"]}, TypeError, "on_completion is a list of functions, and 'x' is none"),
        (task, {"cache_policy": "INPUTS"}, TypeError, "cache_policy is a policy such as INPUTS"),
        (task, {"cache_policy": Inputs}, TypeError, "cache_policy is a policy such as INPUTS"),
        (flow, {"task_runner": "threads"}, TypeError, "task_runner is a TaskRunner such as ThreadPoolTaskRunner()"),
    ],
)
def test_options_that_cannot_be(decorator: Any, options: Any, error: type[Exception], message: str) -> None:
    with says(error, message):
        decorator(**options)(lambda: 1)


def test_a_hook_that_is_no_function() -> None:
    with says(TypeError, "A hook is a function, not str: 'x'"):
        typed.on_failure("x")  # type: ignore[type-var]


def test_a_logger_outside_of_runs() -> None:
    with says(MissingContextError, "no flow run or task run in progress here", "logging.getLogger()"):
        get_run_logger()

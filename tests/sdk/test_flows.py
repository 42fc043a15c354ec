"""Flows, from the decorator to what the server stored of their runs."""

import asyncio
import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from antiphon import Flow, flow, runtime, task
from antiphon.annotations import NotSet
from antiphon.context import FlowRunContext
from antiphon.exceptions import (
    FailedRun,
    InvalidNameError,
    ParameterBindError,
    ParameterTypeError,
    ReservedArgumentError,
)
from antiphon.payloads import decode
from antiphon.settings import temporary_settings
from antiphon.states import State, from_proto
from antiphon.task_runners import ThreadPoolTaskRunner
from kinds import Kind
from stored import Stored, type_of


def greet(name: str = "you", times: int = 1) -> str:
    return f"hello {name}" * times


def flow_run_id(state: State) -> str:
    return state.state_details.flow_run_id or ""


# The decorator


def test_bare_and_with_options() -> None:
    bare, called, named = flow(greet), flow()(greet), flow(name="Say hello", version="2")(greet)
    assert [each.name for each in (bare, called, named)] == ["greet", "greet", "Say hello"]
    assert named.version == "2"
    assert all(isinstance(each, Flow) for each in (bare, called, named))


def test_its_name_has_hyphens_where_the_functions_has_underscores() -> None:
    @flow
    def load_all_data() -> None: ...

    assert load_all_data.name == "load-all-data"
    assert load_all_data.__name__ == "load_all_data"
    assert repr(load_all_data) == "<Flow 'load-all-data'>"


def test_with_options_copies_with_changes() -> None:
    def hook(*_: object) -> None: ...

    runner = ThreadPoolTaskRunner(3)
    before = flow(
        name="a",
        version="1",
        flow_run_name="r",
        retries=2,
        retry_delay_seconds=3,
        task_runner=runner,
        description="d",
        timeout_seconds=5,
        validate_parameters=False,
        persist_result=True,
        log_prints=True,
        on_completion=[hook],
        on_failure=[hook],
        on_cancellation=[hook],
        on_crashed=[hook],
        on_running=[hook],
    )(greet)
    same = before.with_options()
    assert same._options() == before._options()
    after = before.with_options(name="b", retries=0, timeout_seconds=None, persist_result=NotSet, log_prints=None)
    assert (after.name, after.retries, after.timeout_seconds, after.persist_result) == ("b", 0, 5.0, True)
    assert after.log_prints is None
    for kind in ("completion", "failure", "cancellation", "crashed", "running"):
        assert getattr(after, f"on_{kind}")(hook) is hook
        assert getattr(after, f"on_{kind}_hooks") == [hook, hook]
        assert getattr(before, f"on_{kind}_hooks") == [hook]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"retries": -1}, ValueError, "from 0 to 10,000, not -1"),
        ({"retries": "3"}, TypeError, "whole number"),
        ({"retries": 1, "retry_delay_seconds": -1}, ValueError, "0 or more seconds"),
        ({"name": "x" * 501}, InvalidNameError, "at most 500 characters"),
        ({"name": "a/b"}, InvalidNameError, "must not contain '/'"),
        ({"version": 2}, TypeError, "A version is text, not int"),
        ({"task_runner": "threads"}, TypeError, "task_runner is a TaskRunner such as"),
        ({"task_runner": str}, TypeError, "task_runner is a TaskRunner such as"),
        ({"flow_run_name": 3}, TypeError, "flow_run_name is text or a function"),
        ({"on_crashed": print}, TypeError, r"write on_crashed=\[print\]"),
        ({"timeout_seconds": "soon"}, TypeError, "a number of seconds or None, not str"),
        ({"timeout_seconds": True}, TypeError, "a number of seconds or None, not bool"),
        ({"timeout_seconds": 0}, ValueError, "more than 0 and at most 1,000,000,000, not 0"),
        ({"timeout_seconds": float("nan")}, ValueError, "not nan"),
        ({"timeout_seconds": float("inf")}, ValueError, "not inf"),
        ({"colour": "red"}, TypeError, "colour"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        flow(**options)(greet)


def test_a_reserved_parameter() -> None:
    def taken(wait_for: bool) -> None: ...

    with pytest.raises(ReservedArgumentError, match="takes 'wait_for', which flow calls keep for themselves"):
        flow(taken)


def test_a_class_of_task_runners_is_made_into_one() -> None:
    assert isinstance(flow(task_runner=ThreadPoolTaskRunner)(greet).task_runner, ThreadPoolTaskRunner)


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="@flow stands on functions, not on str: 'x'"):
        flow("x")  # type: ignore[call-overload]


# Calling


def test_a_flow(kind: Kind, stored: Stored) -> None:
    decorated = kind.flow(version="2")(greet)
    assert kind.call(decorated, "Ada") == "hello Ada"
    state = kind.call(decorated, times=2, return_state=True)
    assert state.result() == "hello youhello you"
    run = stored.flow_run(flow_run_id(state))
    assert type_of(run.state) == "COMPLETED"
    assert (run.flow_name, run.flow_version, run.run_count) == ("greet", "2", 1)
    assert decode(run.parameters) == {"name": "you", "times": 2}
    assert stored.flow_run_history(run.id) == ["Pending", "Running", "Completed"]
    assert run.start_time.ToNanoseconds() <= run.end_time.ToNanoseconds()
    assert run.total_run_time.ToNanoseconds() > 0
    assert len(run.name.split("-")) == 2


def test_methods(kind: Kind, stored: Stored) -> None:
    class Job:
        def __init__(self, base: int) -> None:
            self.base = base

        @kind.flow()
        def run(self, x: int) -> int:
            return self.base + x

        @flow
        @staticmethod
        def static(x: int) -> int:
            return x

        @flow
        @classmethod
        def of_class(cls, x: int) -> str:
            return f"{cls.__name__} {x}"

    assert kind.call(Job(40).run, 2) == 42
    # A type checker thinks that an instance binds them all.
    jobs: list[Any] = [Job, Job(1)]
    for job in jobs:
        assert job.static(1) == 1
        assert job.of_class(1) == "Job 1"


def test_arguments_that_do_not_bind_make_no_run(stored: Stored) -> None:
    decorated = flow(name="never called")(greet)
    with pytest.raises(ParameterBindError, match="got an unexpected keyword argument 'nam'"):
        decorated(nam="Ada")  # type: ignore[call-overload]
    with pytest.raises(ParameterBindError, match="too many positional arguments"):
        decorated("Ada", 1, 2)  # type: ignore[call-overload]
    assert stored.flow_runs("never called") == []


class Order(BaseModel):
    item: str
    count: int = 1


def test_parameters_are_coerced(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def typed(when: date, order: Order, ratios: list[float], *more: int, limit: int | None = None) -> Any:
        return when, order, ratios, more, limit

    got = kind.call(typed, "2026-01-02", {"item": "tea", "count": "3"}, ["1", 2], "5", limit="7")
    assert got == (date(2026, 1, 2), Order(item="tea", count=3), [1.0, 2.0], (5,), 7)


def test_parameters_that_do_not_fit_fail_the_run(kind: Kind, stored: Stored) -> None:
    called: list[int] = []

    @kind.flow()
    def typed(x: int, y: date) -> None:
        called.append(1)

    with pytest.raises(ParameterTypeError) as caught:
        kind.call(typed, "one", y="soon")
    assert "x: Input should be a valid integer" in str(caught.value)
    assert "y: Input should be a valid date" in str(caught.value)
    assert called == []
    state = kind.call(typed, "one", y="soon", return_state=True)
    assert state.is_failed()
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Failed"]
    assert decode(stored.flow_run(flow_run_id(state)).parameters) == {"x": "one", "y": "soon"}


def test_parameters_are_not_validated_where_nobody_wants_it(kind: Kind, stored: Stored) -> None:
    @kind.flow(validate_parameters=False)
    def typed(x: int) -> Any:
        return x

    assert kind.call(typed, "one") == "one"


def test_validate_parameters_by_hand() -> None:
    @flow
    def typed(x: int) -> None: ...

    assert typed.validate_parameters({"x": "5"}) == {"x": 5}
    with pytest.raises(ParameterTypeError, match="x: "):
        typed.validate_parameters({"x": "five"})


def test_parameters_that_nobody_can_store_are_no_obstacle(stored: Stored) -> None:
    @flow
    def takes(value: Any) -> str:
        return type(value).__name__

    state = takes(threading.Lock(), return_state=True)
    assert state.result() == "lock"
    assert not stored.flow_run(flow_run_id(state)).HasField("parameters")
    state = takes("x" * 300_000, return_state=True)
    assert not stored.flow_run(flow_run_id(state)).HasField("parameters")


# Names


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{name}-{times}", "Ada-3"),
        (lambda: "made", "made"),
        (lambda parameters: f"for {parameters['name']}", "for Ada"),
        ("{times:02d}", "03"),
    ],
)
def test_names_of_runs(stored: Stored, template: Any, name: str) -> None:
    state = flow(flow_run_name=template)(greet)("Ada", "3", return_state=True)
    assert stored.flow_run(flow_run_id(state)).name == name


def test_a_name_of_a_date(stored: Stored) -> None:
    @flow(flow_run_name="on-{when:%Y-%m-%d}")
    def dated(when: datetime) -> None: ...

    state = dated(datetime(2026, 1, 2, tzinfo=UTC), return_state=True)
    assert stored.flow_run(flow_run_id(state)).name == "on-2026-01-02"


def test_a_name_template_that_does_not_fit(stored: Stored) -> None:
    with pytest.raises(InvalidNameError, match="there is no parameter 'who'; there are: name, times"):
        flow(flow_run_name="{who}")(greet)()


# Facts, hooks


def test_runtime_facts(kind: Kind, stored: Stored) -> None:
    @kind.flow(name="Facts", version="3")
    def facts(x: int) -> dict[str, Any]:
        run = runtime.flow_run
        return {
            "id": run.id,
            "name": run.name,
            "flow_name": run.flow_name,
            "flow_version": run.flow_version,
            "parameters": run.parameters,
            "run_count": run.run_count,
            "parent": run.parent_flow_run_id,
            "root": run.root_flow_run_id,
        }

    state = kind.call(facts, "3", return_state=True)
    run = stored.flow_run(flow_run_id(state))
    assert state.result() == {
        "id": run.id,
        "name": run.name,
        "flow_name": "Facts",
        "flow_version": "3",
        "parameters": {"x": 3},
        "run_count": 1,
        "parent": None,
        "root": run.id,
    }
    assert FlowRunContext.get() is None


def test_hooks(kind: Kind, stored: Stored) -> None:
    told: list[str] = []

    def hook(name: str) -> Any:
        @kind.function
        def tell(flow: Any, run: Any, state: State) -> None:
            assert run.state is state
            told.append(f"{name}: {flow.name} {run.run_count} {state.name}")

        return tell

    def fail() -> None:
        raise ValueError("bad")

    for body, options in ((greet, {}), (fail, {"retries": 1})):
        decorated = kind.flow(**options)(body)
        for name in ("running", "completion", "failure", "cancellation", "crashed"):
            getattr(decorated, f"on_{name}")(hook(name))
        kind.call(decorated, return_state=True)
    assert told == [
        "running: greet 1 Running",
        "completion: greet 1 Completed",
        "running: fail 1 Running",
        "running: fail 2 Retrying",
        "failure: fail 2 Failed",
    ]


def test_hooks_can_use_the_run_and_their_failures_are_logged(kind: Kind, stored: Stored) -> None:
    @kind.function
    def broken(*_: object) -> None:
        raise RuntimeError("hook is broken")

    state = kind.call(kind.flow(on_completion=[broken])(greet), return_state=True)
    assert state.is_completed()
    lines = [log.message for log in stored.logs(flow_run_id(state))]
    assert any("raised RuntimeError('hook is broken'); it is ignored" in line for line in lines)
    assert any("Finished in state Completed()" in line for line in lines)


def test_a_time_limit(kind: Kind, stored: Stored) -> None:
    @kind.flow(timeout_seconds=0.1)
    def slow() -> Any:
        yield kind.pause(30)

    state = kind.call(slow, return_state=True)
    assert (state.type, state.name) == ("FAILED", "TimedOut")
    assert state.message == "TimeoutError: Flow run exceeded timeout of 0.1 second(s)"
    assert stored.flow_run_history(flow_run_id(state)) == ["Pending", "Running", "TimedOut"]
    with pytest.raises(TimeoutError, match="Flow run exceeded"):
        kind.call(slow)


def test_a_time_limit_breaks_off_the_task_that_runs(kind: Kind, stored: Stored) -> None:
    @kind.task()
    def slow() -> Any:
        yield kind.pause(30)

    @kind.flow(timeout_seconds=0.1)
    def around() -> Any:
        yield slow()

    state = kind.call(around, return_state=True)
    assert state.name == "TimedOut"
    assert [run.state.name for run in stored.task_runs(flow_run_id(state))] == ["Crashed"]


def test_a_time_limit_breaks_off_a_task_that_awaits_its_retry(kind: Kind, stored: Stored) -> None:
    @kind.task(retries=1, retry_delay_seconds=60)
    def flaky() -> None:
        raise ValueError("bad")

    @kind.flow(timeout_seconds=0.1)
    def around() -> Any:
        yield flaky()

    state = kind.call(around, return_state=True)
    assert state.name == "TimedOut"
    run = stored.task_runs(flow_run_id(state))[0]
    assert stored.task_run_history(run.id) == ["Pending", "Running", "AwaitingRetry", "Crashed"]


def test_a_time_limit_cancels_what_was_submitted(kind: Kind, stored: Stored) -> None:
    @task
    async def endless() -> None:
        await asyncio.sleep(30)

    @kind.flow(timeout_seconds=0.2)
    def around() -> Any:
        endless.submit()
        yield kind.pause(30)

    state = kind.call(around, return_state=True)
    assert state.name == "TimedOut"
    run = stored.task_runs(flow_run_id(state))[0]
    assert (run.state.name, run.state.message) == ("Cancelled", "the flow run around it ended early")


def test_default_retries_come_from_the_settings() -> None:
    with temporary_settings({"flows_default_retries": 2, "flows_default_retry_delay_seconds": 0.5}):
        decorated = flow(greet)
    assert (decorated.retries, decorated.retry_delays) == (2, [0.5])


def test_a_sync_flow_in_a_running_loop(stored: Stored) -> None:
    inner = flow(greet)

    async def main() -> str:
        return inner("loop")

    assert asyncio.run(main()) == "hello loop"


def test_an_async_flow_gives_a_coroutine_and_no_run_before_it_is_awaited(stored: Stored) -> None:
    @flow(name="not yet")
    async def later() -> int:
        return 1

    coroutine = later()
    assert stored.flow_runs("not yet") == []
    assert asyncio.run(coroutine) == 1
    assert len(stored.flow_runs("not yet")) == 1


def test_a_failure_that_cannot_be_pickled_is_described(stored: Stored) -> None:
    class Local(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    @flow
    def around() -> None:
        raise Local(1, 2)

    with pytest.raises(Local, match="1 and 2"):
        around()
    state = around(return_state=True)
    elsewhere = from_proto(stored.flow_run(flow_run_id(state)).state)
    with pytest.raises(FailedRun, match="Local: 1 and 2"):
        elsewhere.result()

"""What tasks take from runs before them, what breaks them off, and what they leave behind."""

import gc
from typing import Any

import pytest

from antiphon import allow_failure, flow, runtime, task
from antiphon.annotations import quote
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine import interrupts
from antiphon.session import registry
from kinds import Kind
from stored import Stored, type_of


def add(x: int, y: int = 1) -> int:
    return x + y


def fail() -> None:
    raise ValueError("bad")


# What comes from other runs


def test_wait_for_in_a_call(kind: Kind, stored: Stored) -> None:
    good, bad = task(add), task(fail)
    decorated = kind.task()(add)

    @kind.flow()
    def around() -> Any:
        value = yield decorated(1, wait_for=[good.submit(1)])
        refused = yield decorated(1, wait_for=bad.submit(), return_state=True)
        allowed = yield decorated(1, wait_for=[allow_failure(bad.submit())])
        return value, refused.name, allowed

    assert kind.call(around) == (2, "NotReady", 2)


def test_a_task_that_is_not_ready_raises(stored: Stored) -> None:
    bad, decorated = task(fail), task(add)

    @flow
    def around() -> str:
        with pytest.raises(Exception, match="did not complete: it is Failed"):
            decorated(bad.submit())  # type: ignore[call-overload]
        return runtime.flow_run.id or ""

    runs = stored.task_runs(around())
    assert [run.state.name for run in runs] == ["Failed", "NotReady"]
    assert type_of(runs[1].state) == "PENDING"
    assert list(runs[1].upstream_task_run_ids) == [runs[0].id]


def test_states_stand_for_their_results(kind: Kind, stored: Stored) -> None:
    good, bad, decorated = task(add), task(fail), kind.task()(add)

    @task
    def kept(x: Any) -> str:
        return type(x).__name__

    @kind.flow()
    def around() -> Any:
        ended, failed = good(1, return_state=True), bad(return_state=True)
        value = yield decorated(ended)
        refused = yield decorated(failed, return_state=True)
        after = yield decorated(1, wait_for=[failed], return_state=True)
        allowed = kept(allow_failure(failed))
        return value, refused, after.name, allowed, kept([ended]), kept(quote(ended)), ended

    value, refused, *rest, ended = kind.call(around)
    assert value == 3 and refused.name == "NotReady"
    assert rest == ["NotReady", "ValueError", "list", "State"]
    downstream = stored.task_run(refused.state_details.task_run_id or "")
    assert len(downstream.upstream_task_run_ids) == 1
    assert ended.state_details.task_run_id not in downstream.upstream_task_run_ids


def test_a_name_made_of_results(kind: Kind, stored: Stored) -> None:
    good, bad = task(add), task(fail)
    decorated = kind.task(task_run_name="sum-{x}")(add)

    @kind.flow()
    def around() -> Any:
        future = good.submit(1)
        value = yield decorated(future)
        yield decorated(bad.submit(), return_state=True)
        return value, decorated.submit(future).result(), runtime.flow_run.id

    value, submitted, id = kind.call(around)
    assert value == submitted == 3
    named = {run.name: run.state.name for run in stored.task_runs(id) if run.name.startswith("sum-")}
    assert named == {"sum-2": "Completed"}
    assert [run.state.name for run in stored.task_runs(id) if run.name == "add-2"] == ["NotReady"]


def test_a_name_that_the_results_do_not_fit_fails_the_run(kind: Kind, stored: Stored) -> None:
    good, decorated = task(add), kind.task(task_run_name="{x:%A}")(add)

    @kind.flow()
    def around() -> Any:
        state = yield decorated(good.submit(1), return_state=True)
        return state.state_details.task_run_id, state.message

    id, message = kind.call(around)
    assert "cannot be filled in" in message
    assert stored.task_run_history(id) == ["Pending", "Failed"]


def test_quote_keeps_what_is_inside(stored: Stored) -> None:
    good = task(add)

    @task
    def look(x: Any) -> str:
        return type(x).__name__ if not isinstance(x, list) else type(x[0]).__name__

    @flow
    def around() -> list[str]:
        future = good.submit(1)
        return [look(future), look(quote(future)), look([future]), look(quote([future]))]

    assert around() == ["int", "AntiphonFuture", "int", "AntiphonFuture"]


# Interrupts


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, type("Mine", (BaseException,), {})])
def test_what_is_no_exception_crashes_the_run_and_goes_on(
    kind: Kind, stored: Stored, error: type[BaseException]
) -> None:
    ids: list[str] = []
    hooks: list[str] = []

    @kind.task(retries=3, on_failure=[lambda *_: hooks.append("failure")])
    def interrupted() -> None:
        context = TaskRunContext.get()
        assert context is not None
        ids.append(context.task_run_id)
        raise error

    with pytest.raises(error):
        kind.call(interrupted)
    assert len(ids) == 1
    assert hooks == []
    assert stored.task_run_history(ids[0]) == ["Pending", "Running", "Crashed"]


def test_many_tasks_leave_nothing_behind(stored: Stored) -> None:
    decorated = task(add)

    @flow
    def around() -> int:
        context = FlowRunContext.get()
        assert context is not None
        for i in range(2000):
            decorated(i)
        assert context.scope._children == {}
        assert len(context.scope._stoppers) == 1
        assert context.submitted == set()
        return 1

    around()
    session = registry.get_session()
    assert session.flush(10)
    core = session._core
    assert not core.unanswered()
    assert core.backlog == 0
    assert session._desk._handlers == {}
    assert interrupts._stacks == {}
    gc.collect()
    contexts = [each for each in gc.get_objects() if isinstance(each, TaskRunContext) and each.task is decorated]
    assert contexts == []

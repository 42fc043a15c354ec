"""Hooks, names, tags, logs and runtime facts of task runs."""

import asyncio
import threading
from typing import Any

import pytest

from antiphon import flow, get_run_logger, runtime, tags, task
from antiphon.exceptions import (
    InvalidNameError,
)
from antiphon.states import State
from kinds import Kind
from stored import Stored


def add(x: int, y: int = 1) -> int:
    return x + y


def fail() -> None:
    raise ValueError("bad")


# Hooks


def test_hooks(kind: Kind, stored: Stored) -> None:
    told: list[str] = []

    def hook(name: str) -> Any:
        @kind.function
        def tell(task: Any, run: Any, state: State) -> None:
            told.append(f"{name} {task.name} {run.run_count} {state.name} {run.state.name} {run.state is state}")

        return tell

    decorated = kind.task(retries=1, on_failure=[hook("failure")])(fail)
    decorated.on_running(hook("running"))
    decorated.on_completion(hook("completion"))
    kind.call(decorated, return_state=True)
    assert told == [
        "running fail 1 Running Running True",
        "running fail 2 Retrying Retrying True",
        "failure fail 2 Failed Failed True",
    ]
    told.clear()
    kind.call(kind.task(on_completion=[hook("a"), hook("b")])(add), 1)
    assert told == ["a add 1 Completed Completed True", "b add 1 Completed Completed True"]


def test_an_async_hook_of_a_sync_task_that_runs_in_a_loop(stored: Stored) -> None:
    told: list[Any] = []

    async def hook(task: Any, run: Any, state: State) -> None:
        await asyncio.sleep(0)
        told.append((state.name, threading.current_thread() is threading.main_thread()))

    @task(on_completion=[hook])
    def inner() -> int:
        return 1

    @flow
    async def around() -> int:
        return inner()

    assert asyncio.run(around()) == 1
    assert told == [("Completed", False)]
    inner()
    assert told[-1] == ("Completed", True)


def test_hooks_do_not_stand_in_each_others_way(kind: Kind, stored: Stored) -> None:
    told: list[str] = []

    @kind.function
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    @kind.function
    def fine(*_: object) -> None:
        told.append("fine")

    state = kind.call(kind.task(on_completion=[broken, fine])(add), 1, return_state=True)
    assert state.is_completed()
    assert told == ["fine"]


# Names, tags, logs, runtime


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{x}-plus-{y}", "4-plus-1"),
        ("{x:03d}", "004"),
        (lambda: "made", "made"),
        (lambda parameters: f"from {sorted(parameters)}", "from ['x', 'y']"),
        ("", "add-0"),
        ("n" * 600, "n" * 493 + "… (cut)"),
    ],
)
def test_names_of_runs(stored: Stored, template: Any, name: str) -> None:
    decorated = task(task_run_name=template)(add)

    @flow
    def around() -> str | None:
        decorated(4)
        return runtime.flow_run.id

    assert [run.name for run in stored.task_runs(around() or "")] == [name]


def test_a_name_template_that_does_not_fit(stored: Stored) -> None:
    with pytest.raises(InvalidNameError, match="there is no parameter 'z'; there are: x, y"):
        task(task_run_name="{z}")(add)(1)


def test_tags_come_from_the_task_the_context_and_the_flow(kind: Kind, stored: Stored) -> None:
    decorated = kind.task(tags=["own"])(add)
    seen: list[list[str] | None] = []

    @kind.flow()
    def around() -> Any:
        with tags("inside"):
            yield decorated(1)
        seen.append(runtime.flow_run.tags)
        return runtime.flow_run.id

    with tags("outside", "own"):
        run_id = kind.call(around)
    assert seen == [["outside", "own"]]
    assert [list(run.tags) for run in stored.task_runs(run_id)] == [["inside", "outside", "own"]]
    assert list(stored.flow_run(run_id).tags) == ["outside", "own"]


def test_runtime_facts(kind: Kind, stored: Stored) -> None:
    @kind.task(tags=["t"], name="facts")
    def facts(x: int) -> dict[str, Any]:
        run = runtime.task_run
        return {
            "id": run.id,
            "name": run.name,
            "task_name": run.task_name,
            "parameters": run.parameters,
            "tags": run.tags,
            "run_count": run.run_count,
            "flow_run_id": runtime.flow_run.id,
        }

    state = kind.call(facts, 3, return_state=True)
    run = stored.task_run(state.state_details.task_run_id)
    assert state.result() == {
        "id": run.id,
        "name": run.name,
        "task_name": "facts",
        "parameters": {"x": 3},
        "tags": ["t"],
        "run_count": 1,
        "flow_run_id": None,
    }
    assert runtime.task_run.id is None


def test_logs_arrive_at_the_server(kind: Kind, stored: Stored) -> None:
    @kind.task(log_prints=True)
    def talk() -> None:
        get_run_logger().info("from the logger")
        print("from print", 2)

    @kind.task()
    def quiet() -> None:
        print("only to the terminal")

    @kind.flow()
    def around() -> Any:
        get_run_logger().warning("from the flow")
        yield talk()
        yield quiet()
        return runtime.flow_run.id

    run_id = kind.call(around)
    task_run = stored.task_runs(run_id)[0]
    lines = {log.message: log for log in stored.logs(run_id)}
    assert {"from the logger", "from print 2", "from the flow"} <= set(lines)
    assert "only to the terminal" not in lines
    assert lines["from the logger"].task_run_id == lines["from print 2"].task_run_id == task_run.id
    assert lines["from the flow"].task_run_id == ""
    assert (lines["from the flow"].level, lines["from print 2"].level) == (30, 20)


def test_prints_of_a_flow_with_log_prints_are_those_of_its_tasks_too(stored: Stored) -> None:
    @task
    def talk() -> None:
        print("inherited")

    @task(log_prints=False)
    def quiet() -> None:
        print("not logged")

    @flow(log_prints=True)
    def around() -> str | None:
        talk()
        quiet()
        return runtime.flow_run.id

    lines = [log.message for log in stored.logs(around() or "")]
    assert "inherited" in lines
    assert "not logged" not in lines

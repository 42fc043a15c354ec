"""Hooks run as part of their run."""

from typing import Any

import pytest

from antiphon import flow, get_run_logger, runtime, task
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.states import State
from kinds import Kind
from stored import Stored

FLOW_HOOKS = ["on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed"]
TASK_HOOKS = ["on_running", "on_completion", "on_failure"]


class Seen:
    """What hooks find around them."""

    def __init__(self, kind: Kind) -> None:
        self.found: list[tuple[str, str | None, str | None]] = []

        @kind.function
        def hook(decorated: Any, run: Any, state: State) -> Any:
            yield kind.pause(0)
            get_run_logger().info("%s is %s", run.name, state.name)
            print("printed")
            self.found.append((state.name, runtime.flow_run.name, runtime.task_run.name))

        self.hook = hook


@pytest.fixture
def seen(kind: Kind) -> Seen:
    return Seen(kind)


def logs(stored: Stored, state: State) -> list[tuple[str, str]]:
    """The lines that hooks wrote, by the run that they belong to."""
    own = ("Beginning", "Finished", "Flow run raised", "Task run raised")
    flow_run_id = state.state_details.flow_run_id or ""
    return [
        (log.message, "task" if log.task_run_id else "flow")
        for log in stored.logs(flow_run_id)
        if not log.message.startswith(own)
    ]


@pytest.mark.parametrize("log_prints", [False, True])
@pytest.mark.parametrize("end", ["Completed", "Failed"])
def test_of_a_flow(kind: Kind, stored: Stored, seen: Seen, end: str, log_prints: bool) -> None:
    @kind.flow(flow_run_name="mine", log_prints=log_prints, **{name: [seen.hook] for name in FLOW_HOOKS})
    def around() -> None:
        if end == "Failed":
            raise ValueError("bad")

    state = kind.call(around, return_state=True)
    assert seen.found == [("Running", "mine", None), (end, "mine", None)]
    lines = ["mine is Running", "printed", f"mine is {end}", "printed"]
    assert logs(stored, state) == [(line, "flow") for line in lines if log_prints or line != "printed"]
    assert FlowRunContext.get() is None


def test_of_a_subflow(kind: Kind, stored: Stored, seen: Seen) -> None:
    @kind.flow(flow_run_name="child", on_running=[seen.hook], on_completion=[seen.hook])
    def child() -> None: ...

    @kind.flow(flow_run_name="parent")
    def parent() -> Any:
        state = yield child(return_state=True)
        assert runtime.flow_run.name == "parent"
        assert logs(stored, state) == [("child is Running", "flow"), ("child is Completed", "flow")]

    state = kind.call(parent, return_state=True)
    assert state.is_completed()
    assert seen.found == [("Running", "child", None), ("Completed", "child", None)]
    assert logs(stored, state) == []


@pytest.mark.parametrize("submitted", [False, True])
def test_of_a_task(kind: Kind, stored: Stored, seen: Seen, submitted: bool) -> None:
    @kind.task(task_run_name="step", log_prints=True, **{name: [seen.hook] for name in TASK_HOOKS})
    def step() -> None:
        raise ValueError("bad")

    @kind.flow(flow_run_name="around")
    def around() -> Any:
        if submitted:
            step.submit().wait()
        else:
            yield step(return_state=True)
        assert TaskRunContext.get() is None

    state = kind.call(around, return_state=True)
    assert state.is_completed()
    assert seen.found == [("Running", "around", "step"), ("Failed", "around", "step")]
    lines = ["step is Running", "printed", "step is Failed", "printed"]
    assert logs(stored, state) == [(line, "task") for line in lines]


def test_of_a_task_on_its_own(kind: Kind, stored: Stored, seen: Seen) -> None:
    decorated = kind.task(task_run_name="alone", on_completion=[seen.hook])(lambda: 1)
    assert kind.call(decorated) == 1
    assert seen.found == [("Completed", None, "alone")]


def test_a_retry_condition_is_part_of_its_run(kind: Kind, stored: Stored, seen: Seen) -> None:
    @task(task_run_name="step", retries=1, retry_condition_fn=seen.hook)
    def step() -> None:
        raise ValueError("bad")

    @flow(flow_run_name="around")
    def around() -> None:
        step(return_state=True)

    around()
    assert seen.found == [("Failed", "around", "step")]


def test_what_runs_say_of_themselves(kind: Kind, stored: Stored) -> None:
    said: list[tuple[str, bool, bool, bool]] = []

    @kind.function
    def hook(decorated: Any, run: Any, state: State) -> None:
        ended = run.end_time == state.timestamp
        said.append((run.state_name, run.start_time is not None, ended, run.state_id == state.id))

    step = kind.task(on_running=[hook], on_completion=[hook])(lambda: 1)

    @kind.flow(on_running=[hook], on_completion=[hook])
    def around() -> Any:
        yield step()

    kind.call(around)
    running, completed = ("Running", True, False, True), ("Completed", True, True, True)
    assert said == [running, running, completed, completed]

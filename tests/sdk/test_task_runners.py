"""The thread pool that runs submitted tasks."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from antiphon import flow, runtime, tags, task
from antiphon.context import FlowRunContext
from antiphon.settings import temporary_settings
from antiphon.task_runners import TaskRunner, ThreadPoolTaskRunner
from kinds import Kind
from stored import Stored


@pytest.mark.parametrize("workers", [0, -1, True])
def test_a_bound_that_cannot_be(workers: Any) -> None:
    with pytest.raises(ValueError, match=f"max_workers is {workers}; give 1 or more, or None"):
        ThreadPoolTaskRunner(workers)


def test_it_has_to_be_started() -> None:
    with pytest.raises(RuntimeError, match="The task runner is not started"):
        ThreadPoolTaskRunner().submit(task(lambda: 1), {})


def test_a_duplicate_has_the_same_options() -> None:
    class Mine(ThreadPoolTaskRunner): ...

    runner = Mine(3)
    duplicate = runner.duplicate()
    assert (type(duplicate), duplicate._max_workers) == (Mine, 3)
    assert duplicate is not runner
    assert isinstance(duplicate, TaskRunner)


def test_tasks_run_in_threads_of_their_own(kind: Kind, stored: Stored) -> None:
    together = threading.Barrier(3, timeout=30)

    @kind.task()
    def meet() -> str:
        together.wait()
        return threading.current_thread().name

    @kind.flow()
    def around() -> Any:
        return meet.submit(), meet.submit(), meet.submit()

    names = kind.call(around)
    assert len(set(names)) == 3
    assert all(name.startswith("antiphon-task") for name in names)


@pytest.mark.parametrize("by_setting", [False, True])
def test_a_bound_on_the_threads(stored: Stored, by_setting: bool) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    @task
    def count() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    def body() -> None:
        for _ in range(20):
            count.submit()

    if by_setting:
        with temporary_settings({"tasks.runner.thread_pool_max_workers": 2}):
            flow(body)()
    else:
        flow(task_runner=ThreadPoolTaskRunner(max_workers=2))(body)()
    assert 1 <= most <= 2


def test_one_worker_keeps_the_order(stored: Stored) -> None:
    order: list[int] = []

    @task
    def note(x: int) -> None:
        order.append(x)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def around() -> None:
        note.map(range(10)).wait()

    around()
    assert order == list(range(10))


def test_the_context_travels_into_the_threads(kind: Kind, stored: Stored) -> None:
    @kind.task()
    def look() -> Any:
        return runtime.flow_run.name, runtime.task_run.name, runtime.task_run.tags

    @kind.flow(flow_run_name="mine")
    def around() -> Any:
        with tags("inside"):
            return look.submit()

    assert kind.call(around) == ("mine", "look-0", ["inside"])


def test_a_runner_of_ones_own(stored: Stored) -> None:
    """A subclass is asked for what the flow submits, and sees its start and end."""
    seen: list[str] = []

    class Watching(ThreadPoolTaskRunner):
        def submit(self, task: Any, parameters: dict[str, Any], wait_for: Any = None) -> Any:
            seen.append(f"submit {task.name} {parameters}")
            return super().submit(task, parameters, wait_for)

        def __enter__(self) -> Any:
            seen.append("enter")
            return super().__enter__()

        def __exit__(self, *args: Any) -> None:
            seen.append("exit")
            super().__exit__(*args)

    double = task(name="double")(lambda x: x * 2)

    @flow(task_runner=Watching())
    def around() -> Any:
        context = FlowRunContext.get()
        assert context is not None
        assert isinstance(context.task_runner, Watching)
        return [double.submit(1), *double.map([2])]

    assert around() == [2, 4]
    assert seen == ["enter", "submit double {'x': 1}", "submit double {'x': 2}", "exit"]


def test_a_runner_by_itself(stored: Stored) -> None:
    double = task(lambda x: x * 2)
    with ThreadPoolTaskRunner() as runner:
        assert runner.submit(double, {"x": 2}).result() == 4
        assert runner.map(double, {"x": [1, 2]}).result() == [2, 4]


def test_a_flow_object_runs_many_times_at_once(stored: Stored) -> None:
    together = threading.Barrier(4, timeout=30)

    @task
    def meet() -> int:
        together.wait()
        return 1

    @flow
    def around() -> Any:
        return meet.submit()

    threads_results: list[Any] = []
    threads = [threading.Thread(target=lambda: threads_results.append(around())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert threads_results == [1, 1, 1, 1]


def test_tasks_may_submit_after_the_flows_function_has_returned(kind: Kind, stored: Stored) -> None:
    leaf = kind.task()(lambda: "leaf")
    returned = threading.Event()
    ran: list[str] = []

    @kind.task()
    def inner() -> Any:
        ran.append("inner")
        return leaf.submit()

    @kind.task()
    def outer() -> Any:
        assert returned.wait(30)
        return inner.submit()

    @kind.flow(on_completion=[lambda *_: ran.append("completed")])
    def around(asking: bool) -> Any:
        future = outer.submit()
        # Before the engine goes on, and after the last step of this function.
        future.add_done_callback(lambda _: ran.append("outer"))
        threading.Timer(0.05, returned.set).start()
        return future if asking else None

    assert kind.call(around, True) == "leaf"
    returned.clear()
    ran.clear()
    state = kind.call(around, False, return_state=True)
    assert state.is_completed()
    assert ran[-1] == "completed"
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.name for run in runs] == ["Completed"] * 3


class Refusing(ThreadPoolTaskRunner):
    """Cannot start anything."""

    def start(self, run: Any) -> Any:
        raise RuntimeError("no more threads")


def test_a_run_that_the_runner_does_not_take_is_over(stored: Stored) -> None:
    step = task(lambda: pytest.fail("ran"))

    @flow(task_runner=Refusing())
    def around() -> None:
        context = FlowRunContext.get()
        assert context is not None
        with pytest.raises(RuntimeError, match="no more threads"):
            step.submit()
        assert context.submitted == set()
        assert context.scope._children == {}

    state = around(return_state=True)
    assert state.is_completed()
    (run,) = stored.task_runs(state.state_details.flow_run_id or "")
    assert run.state.name == "Crashed"
    assert run.state.message == "The task runner did not start the run: RuntimeError: no more threads"


def test_a_thread_that_cannot_be_started(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool keeps the call for its other threads. But who submitted was told that there is no run."""
    start, ran = threading.Thread.start, list[str]()
    gate = threading.Event()
    block = task(lambda: gate.wait(30))
    step = task(lambda: ran.append("step"))

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("antiphon-task"):
            raise RuntimeError("can't start new thread")
        start(thread)

    @flow
    def around() -> None:
        blocked = block.submit()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                step.submit()
        gate.set()
        blocked.wait()

    state = around(return_state=True)
    assert state.is_completed()
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.name for run in runs] == ["Completed", "Crashed"]
    assert ran == []


def test_a_submit_as_the_runner_closes(stored: Stored) -> None:
    """Making the run's name takes longer than the runner is open."""
    runner = ThreadPoolTaskRunner()

    def close() -> str:
        runner.__exit__(None, None, None)
        return "late"

    @flow
    def around() -> None:
        with runner, pytest.raises(RuntimeError, match="The task runner is not started"):
            runner.submit(task(task_run_name=close)(lambda: 1), {})

    state = around(return_state=True)
    assert state.is_completed()
    (run,) = stored.task_runs(state.state_details.flow_run_id or "")
    assert (run.name, run.state.name) == ("late", "Crashed")
    assert "The task runner did not start the run" in run.state.message


class Value:
    """Something that a weak reference can be made to."""


def test_what_has_ended_is_forgotten(stored: Stored) -> None:
    """A flow that submits without end needs no more memory than for what goes on."""
    kept: list[weakref.ref[Value]] = []

    @task(persist_result=False)
    def make() -> Value:
        value = Value()
        kept.append(weakref.ref(value))
        return value

    nothing = task(lambda: None)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def around() -> None:
        context = FlowRunContext.get()
        assert context is not None
        gc.disable()
        try:
            for _ in range(5):
                make.submit().add_done_callback(lambda future: None)
            # By the one thread, which thus holds nothing of those before.
            nothing.submit().wait()
            nothing.submit().wait()
            assert [each() for each in kept] == [None] * 5
        finally:
            gc.enable()
        assert len(context.submitted) <= 1

    around()


def test_a_runner_that_says_no_more_than_where_runs_go(kind: Kind, stored: Stored) -> None:
    ended: list[str] = []

    class Mine(TaskRunner):
        def duplicate(self) -> "Mine":
            return Mine()

        def start(self, run: Any) -> Any:
            return self.pool.submit(run)

        def __enter__(self) -> "Mine":
            self.pool = ThreadPoolExecutor(2)
            return self

        def __exit__(self, *_: object) -> None:
            self.pool.shutdown()

    @kind.task()
    def step(x: int) -> Any:
        yield kind.pause(0.05)
        ended.append(runtime.flow_run.name or "")
        return x

    @kind.flow(task_runner=Mine(), flow_run_name="mine", on_completion=[lambda *_: ended.append("flow")])
    def around() -> Any:
        futures = step.map([1, 2])
        step.submit(3)
        return futures

    assert kind.call(around) == [1, 2]
    assert ended == ["mine"] * 3 + ["flow"]

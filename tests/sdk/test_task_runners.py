"""The thread pool that runs submitted tasks."""

import threading
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
        with temporary_settings({"task_runner_thread_pool_max_workers": 2}):
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

"""Many flows at once in one process: in threads and in one event loop, on one session."""

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from antiphon import flow, runtime, tags, task
from antiphon.context import FlowRunContext
from antiphon.session import registry
from kinds import Kind
from stored import Stored


@task
def double(x: int) -> int:
    return x * 2


@task
async def adouble(x: int) -> int:
    await asyncio.sleep(0)
    return x * 2


def test_twenty_threads(kind: Kind, stored: Stored) -> None:
    together = threading.Barrier(20, timeout=60)
    step: Any = adouble if kind.is_async else double

    @kind.flow()
    def around(number: int) -> Any:
        together.wait()
        total = 0
        for i in range(5):
            total += yield step(number + i)
        total += sum(step.map([number] * 5).result())
        return total, runtime.flow_run.id, runtime.flow_run.parameters

    with ThreadPoolExecutor(20) as executor:
        results = list(executor.map(lambda number: kind.call(around, number), range(20)))
    sessions = set()
    for number, (total, run_id, parameters) in enumerate(results):
        assert total == 2 * sum(range(number, number + 5)) + 10 * number
        assert parameters == {"number": number}
        run = stored.flow_run(run_id)
        assert run.state.name == "Completed"
        runs = stored.task_runs(run_id)
        assert [each.state.name for each in runs] == ["Completed"] * 10
        assert [int(each.dynamic_key) for each in runs] == list(range(10))
        sessions.add(run.session_id)
    assert len(sessions) == 1


def test_gathered_flows_and_tasks(stored: Stored) -> None:
    @flow
    async def child(number: int) -> Any:
        with tags(f"n{number}"):
            values = await asyncio.gather(*(adouble(number + i) for i in range(3)))
        context = FlowRunContext.get()
        assert context is not None
        assert context.parameters == {"number": number}
        return sum(values), context.flow_run_id

    @flow
    async def parent() -> Any:
        return await asyncio.gather(*(child(number) for number in range(10)))

    state = asyncio.run(parent(return_state=True))
    results = state.result()
    assert [total for total, _ in results] == [2 * (3 * n + 3) for n in range(10)]
    mirrors = stored.task_runs(state.state_details.flow_run_id or "")
    assert sorted(int(each.dynamic_key) for each in mirrors) == list(range(10))
    for number, (_, run_id) in enumerate(results):
        assert [list(each.tags) for each in stored.task_runs(run_id)] == [[f"n{number}"]] * 3


def test_gathered_flows_at_the_top(stored: Stored) -> None:
    @flow
    async def alone(number: int) -> Any:
        await asyncio.sleep(0)
        return number, runtime.flow_run.parent_flow_run_id

    async def main() -> Any:
        return await asyncio.gather(*(alone(number) for number in range(20)))

    assert asyncio.run(main()) == [(number, None) for number in range(20)]


def test_one_gathered_flow_fails_alone(stored: Stored) -> None:
    @flow
    async def child(number: int) -> int:
        await asyncio.sleep(0)
        if number == 1:
            raise ValueError("one")
        return number

    async def main() -> Any:
        return await asyncio.gather(*(child(number) for number in range(3)), return_exceptions=True)

    first, second, third = asyncio.run(main())
    assert (first, third) == (0, 2)
    assert isinstance(second, ValueError)


def test_tasks_of_one_flow_in_threads_of_ones_own(stored: Stored) -> None:
    """Each call has a number of its own, whatever thread it comes from."""

    @flow
    def around() -> str:
        contexts = [contextvars.copy_context() for _ in range(100)]
        with ThreadPoolExecutor(20) as executor:
            list(executor.map(lambda context: context.run(double, 1), contexts))
        return runtime.flow_run.id or ""

    keys = [int(run.dynamic_key) for run in stored.task_runs(around())]
    assert sorted(keys) == list(range(100))


def test_a_flow_in_a_task_in_a_thread(stored: Stored) -> None:
    @flow
    def child(x: int) -> Any:
        return double.map([x, x + 1])

    @task
    def step(x: int) -> int:
        return sum(child(x))

    @flow
    def parent() -> Any:
        return step.map(range(5))

    assert parent() == [2 * (2 * x + 1) for x in range(5)]


def test_flows_leave_nothing_behind(kind: Kind, stored: Stored) -> None:
    @kind.flow()
    def around() -> Any:
        yield double(1) if not kind.is_async else adouble(1)
        double.submit(1)

    before = set(threading.enumerate())
    for _ in range(50):
        kind.call(around)
    session = registry.get_session()
    assert session.flush(10)
    assert session._desk._handlers == {}
    gc.collect()
    contexts = [each for each in gc.get_objects() if isinstance(each, FlowRunContext) and each.flow is around]
    assert contexts == []
    begun = [each.name for each in threading.enumerate() if each not in before]
    assert begun.count("antiphon-session") == 1

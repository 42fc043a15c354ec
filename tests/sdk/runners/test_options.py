"""Options of tasks that hold under every task runner."""

from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.cache_policies import INPUTS
from antiphon.futures import wait
from stored import Stored


def test_a_name_made_of_results(runner: Any, stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    @task(task_run_name="of-{x}")
    def named(x: int) -> int:
        return x

    @flow(task_runner=runner())
    def around() -> Any:
        return named.submit(one.submit()), named.submit(2)

    state = around(return_state=True)
    assert state.result() == (1, 2)
    names = {run.name for run in stored.task_runs(state.state_details.flow_run_id or "")}
    assert names == {"one-0", "of-1", "of-2"}


def test_generators(runner: Any, stored: Stored) -> None:
    @task
    def count(n: int) -> Any:
        yield from range(n)

    @task
    async def acount(n: int) -> Any:
        for each in range(n):
            yield each

    @flow(task_runner=runner())
    def around() -> Any:
        return [count.submit(3).result(), acount.submit(2).result()]

    assert around() == [[0, 1, 2], [0, 1]]


def test_cached_results(runner: Any, stored: Stored, tmp_path: Path) -> None:
    @task(cache_policy=INPUTS, result_storage=str(tmp_path / "results"), persist_result=True)
    def note(x: int) -> int:
        with open(tmp_path / "ran", "a") as file:
            file.write("x")
        return x + 1

    @flow(task_runner=runner())
    def around() -> Any:
        first = note.submit(1)
        first.wait()
        second = note.submit(1)
        wait([second])
        return first.result(), second.result(), second.state.name

    state = around(return_state=True)
    assert state.result() == (2, 2, "Cached")
    assert (tmp_path / "ran").read_text() == "x"
    runs = stored.task_runs(state.state_details.flow_run_id or "")
    assert [run.state.name for run in runs] == ["Completed", "Cached"]


def test_hooks(runner: Any, stored: Stored, tmp_path: Path) -> None:
    def note(task: Any, run: Any, state: Any) -> None:
        with open(tmp_path / "told", "a") as file:
            file.write(f"{run.name} {state.name}\n")

    @task(on_running=[note], on_completion=[note], on_failure=[note])
    def step(fails: bool) -> None:
        if fails:
            raise ValueError("bad")

    @flow(task_runner=runner())
    def around() -> None:
        for fails in (False, True):
            step.submit(fails).wait()

    around()
    told = (tmp_path / "told").read_text().splitlines()
    assert told == ["step-0 Running", "step-0 Completed", "step-1 Running", "step-1 Failed"]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_retry_condition(runner: Any, stored: Stored, retries: int) -> None:
    def only_value_errors(task: Any, run: Any, state: Any) -> bool:
        return isinstance(state.result(raise_on_failure=False), ValueError)

    @task(retries=retries, retry_condition_fn=only_value_errors)
    def fail() -> None:
        raise TypeError("never")

    @flow(task_runner=runner())
    def around() -> Any:
        future = fail.submit()
        future.wait()
        return future.task_run_id, future.state.name

    id, name = around()
    assert name == "Failed"
    assert stored.task_run_history(id) == ["Pending", "Running", "Failed"]

"""Retries and time limits of tasks."""

import time
from typing import Any

import pytest

from antiphon import flow, runtime, task
from antiphon.settings import temporary_settings
from antiphon.states import State
from antiphon.tasks import exponential_backoff
from kinds import Kind
from stored import Stored, type_of


def add(x: int, y: int = 1) -> int:
    return x + y


def fail() -> None:
    raise ValueError("bad")


# Retries


def test_retries(kind: Kind, stored: Stored) -> None:
    counts: list[int | None] = []

    @kind.task(retries=2)
    def flaky() -> str:
        counts.append(runtime.task_run.run_count)
        if len(counts) < 3:
            raise ValueError(f"attempt {len(counts)}")
        return "well"

    state = kind.call(flaky, return_state=True)
    assert state.result() == "well"
    assert counts == [1, 2, 3]
    run_id = state.state_details.task_run_id
    assert stored.task_run(run_id).run_count == 3
    states = stored.task_run_states(run_id)
    assert [each.name for each in states] == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip
    assert states[2].message == "ValueError: attempt 1"


def test_no_retry_is_left(kind: Kind, stored: Stored) -> None:
    calls: list[int] = []

    @kind.task(retries=1)
    def flaky() -> None:
        calls.append(1)
        raise ValueError("bad")

    state = kind.call(flaky, return_state=True)
    assert len(calls) == 2
    with pytest.raises(ValueError, match="bad"):
        state.result()
    assert stored.task_run_history(state.state_details.task_run_id)[-2:] == ["Retrying", "Failed"]


def delays(stored: Stored, run_id: str) -> list[float]:
    """Seconds that the server put before each retry."""
    return [
        round((each.details.scheduled_time.ToNanoseconds() - each.create_time.ToNanoseconds()) / 1e9, 3)
        for each in stored.task_run_states(run_id)
        if each.name == "AwaitingRetry"
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.01, [0.01, 0.01, 0.01]),
        ([0.01, 0.02], [0.01, 0.02, 0.02]),
        (exponential_backoff(0.005), [0.005, 0.01, 0.02]),
        (lambda count: [0.001 * count], [0.003, 0.003, 0.003]),
    ],
)
def test_delays_before_retries(stored: Stored, given: Any, expected: list[float]) -> None:
    state = task(retries=3, retry_delay_seconds=given)(fail)(return_state=True)
    assert delays(stored, state.state_details.task_run_id or "") == pytest.approx(expected, abs=0.002)


def test_jitter_draws_longer_delays(stored: Stored) -> None:
    state = task(retries=8, retry_delay_seconds=0.01, retry_jitter_factor=2.0)(fail)(return_state=True)
    drawn = delays(stored, state.state_details.task_run_id or "")
    assert all(0.01 <= each <= 0.031 for each in drawn)
    assert len(set(drawn)) > 1


def test_a_retry_condition(kind: Kind, stored: Stored) -> None:
    asked: list[str] = []

    @kind.function
    def condition(task: Any, run: Any, state: State) -> bool:
        asked.append(f"{task.name} {run.run_count} {state.name} {state.outcome(raise_on_failure=False)}")
        return "1" in asked[-1]

    decorated = kind.task(retries=5, retry_condition_fn=condition)(fail)
    state = kind.call(decorated, return_state=True)
    assert asked == ["fail 1 Failed bad", "fail 2 Failed bad"]
    assert stored.task_run(state.state_details.task_run_id).run_count == 2


def test_default_retries_come_from_the_settings(stored: Stored) -> None:
    with temporary_settings({"tasks_default_retries": 2, "tasks_default_retry_delay_seconds": [0.001, 0.002]}):
        decorated = task(fail)
        explicit = task(retries=0)(fail)
    assert (decorated.retries, decorated.retry_delays) == (2, [0.001, 0.002])
    assert explicit.retries == 0


# Time limits


def test_a_time_limit(kind: Kind, stored: Stored) -> None:
    seen: list[str] = []

    @kind.task(timeout_seconds=0.05)
    def slow() -> Any:
        try:
            yield kind.pause(30)
        except BaseException as error:
            seen.append(type(error).__name__)
            raise

    begin = time.monotonic()
    state = kind.call(slow, return_state=True)
    assert time.monotonic() - begin < 10
    assert (state.type, state.name) == ("FAILED", "TimedOut")
    assert seen == ["CancelledError" if kind.is_async else "RunTimeout"]
    with pytest.raises(TimeoutError, match=r"Task run exceeded timeout of 0.05 second\(s\)"):
        kind.call(slow)
    stored_state = stored.task_run(state.state_details.task_run_id).state
    assert (type_of(stored_state), stored_state.name) == ("FAILED", "TimedOut")


def test_a_time_limit_of_a_submitted_task(stored: Stored) -> None:
    """In a thread a limit ends code between two steps."""

    @task(timeout_seconds=0.05)
    def busy() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pass

    @flow
    def around() -> str:
        return busy.submit(return_state=True).name

    assert around() == "TimedOut"


def test_a_time_limit_is_an_attempts_own(kind: Kind, stored: Stored) -> None:
    attempts: list[int] = []

    @kind.task(timeout_seconds=0.1, retries=1)
    def slow_at_first() -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            yield kind.pause(30)
        return "in time"

    assert kind.call(slow_at_first) == "in time"


def test_a_timeout_error_of_ones_own_is_no_time_limit(kind: Kind, stored: Stored) -> None:
    @kind.task(timeout_seconds=30)
    def own() -> None:
        raise TimeoutError("mine")

    state = kind.call(own, return_state=True)
    assert (state.name, state.message) == ("Failed", "TimeoutError: mine")

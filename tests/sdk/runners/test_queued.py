"""The runner that queues tasks for task workers."""

import os
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.futures import AntiphonDistributedFuture, AntiphonFuture
from antiphon.states import State
from antiphon.task_runners import AntiphonTaskRunner
from serving import serving
from stored import Stored

PATIENCE = 30.0


@task
def double(number: int) -> int:
    return 2 * number


@task
def fail() -> None:
    raise ValueError("As it was asked to.")


def test_tasks_run_in_the_workers_that_serve_them(stored: Stored) -> None:
    @flow(task_runner=AntiphonTaskRunner)
    def counted() -> list[int]:
        one = double.submit(1)
        assert isinstance(one, AntiphonDistributedFuture)
        more = double.map([one, 10])
        return [one.result(timeout=PATIENCE), *more.result(timeout=PATIENCE)]

    with serving(double) as worker:
        assert counted() == [2, 4, 20]
        assert sum(worker.finished_task_runs.values()) == 3


def test_the_flow_ends_after_what_it_submitted(stored: Stored) -> None:
    futures: list[AntiphonFuture[Any]] = []

    @flow(task_runner=AntiphonTaskRunner())
    def in_haste() -> int:
        futures.append(double.submit(4))
        return os.getpid()

    with serving(double):
        in_haste()
        assert futures[0].state.is_completed()


def test_what_fails_there_fails_here(stored: Stored) -> None:
    @flow(task_runner=AntiphonTaskRunner())
    def unlucky() -> State[None]:
        return fail.submit(return_state=True)

    with serving(fail), pytest.raises(ValueError, match="As it was asked to"):
        unlucky()


def test_outside_of_a_flow_it_is_not_started() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        AntiphonTaskRunner().submit(double, {"number": 1})

"""Flows and tasks that yield."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from inspect import isasyncgen, isgenerator
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import CancelledRun
from antiphon.runtime import flow_run, task_run
from in_loop import in_loop
from stored import Stored, type_of


@task
def count(n: int) -> Iterator[int]:
    yield from range(n)


@task
async def acount(n: int) -> AsyncIterator[int]:
    for number in range(n):
        await asyncio.sleep(0)
        yield number


def test_a_task_that_yields_gives_a_generator(stored: Stored) -> None:
    ids = []

    @task
    def body(n: int) -> Iterator[int]:
        for number in range(n):
            ids.append(task_run.id)
            yield number

    running = body(3)
    assert isgenerator(running)
    assert next(running) == 0
    assert type_of(stored.task_run(ids[0]).state) == "RUNNING"
    assert TaskRunContext.get() is None, "the iterating code is no part of it"
    assert list(running) == [1, 2]
    assert type_of(stored.task_run(ids[0]).state) == "COMPLETED"
    assert len(set(ids)) == 1


def test_a_flow_that_yields_gives_a_generator(stored: Stored) -> None:
    @task
    def add(x: int) -> int:
        return x + 1

    @flow
    def body(n: int) -> Iterator[int]:
        for number in range(n):
            yield add(number)
        yield str(flow_run.id)

    *values, run_id = body(2)
    assert values == [1, 2]
    assert type_of(stored.flow_run(run_id).state) == "COMPLETED"
    assert len(stored.task_runs(run_id)) == 2
    assert FlowRunContext.get() is None


@in_loop
async def test_async_ones_give_async_generators(stored: Stored) -> None:
    @flow
    async def body(n: int) -> AsyncIterator[Any]:
        async for number in acount(n):
            yield number
        yield flow_run.id

    running = body(3)
    assert isasyncgen(running)
    *values, run_id = [each async for each in running]
    assert values == [0, 1, 2]
    assert type_of(stored.flow_run(run_id).state) == "COMPLETED"


def test_whoever_stops_early_ends_it_well(stored: Stored) -> None:
    ids, ended = [], []

    @task
    def body() -> Iterator[int]:
        ids.append(task_run.id)
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    for _ in body():
        break
    assert ended == [True]
    assert type_of(stored.task_run(ids[0]).state) == "COMPLETED"


@in_loop
async def test_closing_an_async_one_early_ends_it_well(stored: Stored) -> None:
    ids = []

    @flow
    async def body() -> AsyncIterator[int]:
        ids.append(flow_run.id)
        yield 1
        yield 2

    running = body()
    assert await anext(running) == 1
    await running.aclose()
    assert type_of(stored.flow_run(ids[0]).state) == "COMPLETED"


def test_values_and_exceptions_can_be_sent(stored: Stored) -> None:
    @task
    def body() -> Any:
        got = yield 1
        try:
            yield got
        except KeyError:
            yield "caught"
        return "end"

    running = body()
    assert next(running) == 1
    assert running.send("sent") == "sent"
    assert running.throw(KeyError()) == "caught"
    with pytest.raises(StopIteration) as end:
        next(running)
    assert end.value.value == "end"


def test_a_failure_is_raised_in_the_iterating_code(stored: Stored) -> None:
    ids = []

    @flow
    def body() -> Iterator[int]:
        ids.append(flow_run.id)
        yield 1
        raise ValueError("no")

    running = body()
    assert next(running) == 1
    with pytest.raises(ValueError, match="no"):
        next(running)
    assert type_of(stored.flow_run(ids[0]).state) == "FAILED"


def test_a_retry_begins_from_the_start(stored: Stored) -> None:
    attempts = []

    @task(retries=1)
    def body() -> Iterator[int]:
        attempts.append(1)
        yield len(attempts)
        if len(attempts) == 1:
            raise ValueError

    assert list(body()) == [1, 2]


def test_the_iterating_codes_time_is_not_the_runs(stored: Stored) -> None:
    @task(timeout_seconds=0.2)
    def slow() -> Iterator[int]:
        yield 1
        while True:
            pass

    running = slow()
    next(running)
    with pytest.raises(TimeoutError, match=r"exceeded timeout of 0\.2 second"):
        next(running)


def test_submitted_ones_give_the_list(stored: Stored) -> None:
    @flow
    def body() -> Any:
        return [
            count.submit(3).result(),
            acount.submit(2).result(),
            count.map([1, 2]).result(),
            sum_of(count.submit(4)),
        ]

    @task
    def sum_of(numbers: list[int]) -> int:
        return sum(numbers)

    assert body() == [[0, 1, 2], [0, 1], [[0], [0, 1]], 6]


def test_a_flow_can_be_cancelled_between_two_values(stored: Stored) -> None:
    ids = []

    @flow
    def body() -> Iterator[int]:
        ids.append(str(flow_run.id))
        while True:
            yield 1

    running = body()
    next(running)
    stored.cancel(ids[0])
    with pytest.raises(CancelledRun):
        for _ in running:
            pass
    assert type_of(stored.flow_run(ids[0]).state) == "CANCELLED"


# What a function returns


def thrice() -> Iterator[int]:
    yield from range(3)


def test_a_generator_that_is_returned_becomes_a_list(stored: Stored) -> None:
    """It cannot be kept, nor sent to another process."""

    @task
    def give() -> Any:
        return thrice()

    @task
    async def agive() -> Any:
        return thrice()

    @flow
    def around() -> Any:
        assert give() == give.submit().result() == agive.submit().result() == [0, 1, 2]
        return thrice()

    assert around() == [0, 1, 2]
    assert around(return_state=True).result() == [0, 1, 2]


@in_loop
async def test_so_does_one_that_a_coroutine_returns(stored: Stored) -> None:
    @flow
    async def around() -> Any:
        return thrice()

    assert await around() == [0, 1, 2]


def test_what_a_returned_generator_raises_is_the_runs(stored: Stored) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("in the middle")

    @task
    def give() -> Any:
        return broken()

    @flow
    def around() -> Any:
        state = give(return_state=True)
        return state.name, state.message

    assert around() == ("Failed", "ValueError: in the middle")

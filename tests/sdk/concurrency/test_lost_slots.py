"""Slots that are lost while they are held, and holders that are stopped."""

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from antiphon import flow, runtime
from antiphon.concurrency import asyncio as async_twin
from antiphon.concurrency import sync as sync_twin
from antiphon.concurrency.errors import (
    ConcurrencySlotsLostError,
)
from antiphon.v1.flow_run_service_pb2 import CancelFlowRunRequest
from kinds import Kind
from named_slots import PATIENCE, SHORT, Limits, hold
from stored import Stored
from until import until


def test_lost_slots_stop_a_strict_holder(kind: Kind, name: str, limits: Limits) -> None:
    stopped = threading.Event()

    def compute() -> None:
        limits.reset(name)
        try:
            until(stopped.is_set)
        finally:
            stopped.set()

    async def wait() -> None:
        limits.reset(name)
        await asyncio.sleep(PATIENCE)

    began = time.monotonic()
    with pytest.raises(ConcurrencySlotsLostError, match="were lost while they were held: the server has ended it"):
        hold(kind, name, inside=wait if kind.is_async else compute, lease_duration=SHORT, strict=True)
    assert time.monotonic() - began < PATIENCE


def test_lost_slots_stop_a_strict_holder_in_another_thread(name: str, limits: Limits) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with sync_twin.concurrency(name, lease_duration=SHORT, raise_on_lease_renewal_failure=True):
                limits.reset(name)
                until(lambda: False)
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE)
    assert [type(each) for each in errors] == [ConcurrencySlotsLostError]


def test_lost_slots_fail_the_run_that_held_them(kind: Kind, name: str, limits: Limits) -> None:
    if kind.is_async:

        @flow
        async def holding() -> None:
            async with async_twin.concurrency(name, lease_duration=SHORT, strict=True):
                limits.reset(name)
                await asyncio.sleep(PATIENCE)

        state = asyncio.run(holding(return_state=True))
    else:

        @flow
        def sync_holding() -> None:
            with sync_twin.concurrency(name, lease_duration=SHORT, strict=True):
                limits.reset(name)
                until(lambda: False)

        state = sync_holding(return_state=True)
    assert state.is_failed()
    assert "ConcurrencySlotsLostError" in (state.message or "")


def test_lost_slots_are_a_warning_for_others(
    kind: Kind, name: str, limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "antiphon")

    def inside() -> int:
        limits.reset(name)
        until(lambda: "are lost, somebody else may have them" in caplog.text)
        return 7

    strict = {"strict": True, "raise_on_lease_renewal_failure": False}
    assert hold(kind, name, inside=inside, lease_duration=SHORT, **strict) == 7


def test_leases_are_renewed(name: str, limits: Limits) -> None:
    # Long enough for a machine that is busy for some seconds.
    with sync_twin.concurrency(name, lease_duration=6.0, strict=True):
        first = limits.expire_time(name)
        until(lambda: limits.expire_time(name) > first)


def test_an_error_of_the_blocks_own_goes_first(kind: Kind, name: str, limits: Limits) -> None:
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        hold(kind, name, inside=fail, lease_duration=SHORT, strict=True)


def test_a_cancelled_flow_leaves_its_block_at_once(kind: Kind, name: str, limits: Limits, stored: Stored) -> None:
    """Also where the block could be interrupted by itself."""

    def cancel(run_id: str) -> None:
        stored.client.call(stored.client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=run_id))

    if kind.is_async:

        @flow
        async def holding() -> None:
            async with async_twin.concurrency(name, strict=True):
                await asyncio.to_thread(cancel, runtime.flow_run.id)
                await asyncio.sleep(PATIENCE)

        state = asyncio.run(holding(return_state=True))
    else:

        @flow
        def sync_holding() -> None:
            with sync_twin.concurrency(name, strict=True):
                cancel(runtime.flow_run.id)
                until(lambda: False)

        state = sync_holding(return_state=True)
    assert state.is_cancelled(), state
    assert limits.holders(name) == []


def test_a_flow_that_is_cancelled_as_it_waits_takes_nothing(
    kind: Kind, name: str, limits: Limits, stored: Stored
) -> None:
    ids: list[str] = []

    def body() -> Any:
        ids.append(runtime.flow_run.id or "")

        async def want() -> None:
            async with async_twin.concurrency(name):
                raise AssertionError("nobody gets in")

        if kind.is_async:
            yield want()
        else:
            with sync_twin.concurrency(name):
                raise AssertionError("nobody gets in")

    def cancel() -> None:
        until(lambda: limits.waiters(name) == 1)
        stored.client.call(stored.client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=ids[0]))

    with sync_twin.concurrency(name):
        thread = threading.Thread(target=cancel)
        thread.start()
        state = kind.call(kind.flow()(body), return_state=True)
        thread.join(PATIENCE)
        assert state.is_cancelled()
        until(lambda: limits.waiters(name) == 0)
    assert limits.holders(name) == []


def test_who_is_cancelled_as_they_wait_takes_nothing(name: str, limits: Limits) -> None:
    async def main() -> None:
        async def want() -> None:
            async with async_twin.concurrency(name):
                raise AssertionError("nobody gets in")

        async with async_twin.concurrency(name):
            waiter = asyncio.ensure_future(want())
            await asyncio.to_thread(until, lambda: limits.waiters(name) == 1)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            await asyncio.to_thread(until, lambda: limits.waiters(name) == 0)

    asyncio.run(main())
    assert limits.holders(name) == []


def test_a_timeout_around_the_block_cancels_as_ever(name: str, limits: Limits) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), async_twin.concurrency(name, strict=True):
                await asyncio.sleep(PATIENCE)

    asyncio.run(main())
    until(lambda: limits.holders(name) == [])

"""`concurrency()` and `rate_limit()`, sync and async, on a real server: what is had, and what cannot be."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.concurrency import asyncio as async_twin
from antiphon.concurrency import sync as sync_twin
from antiphon.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
)
from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.shared_client import close_clients
from kinds import Kind
from named_slots import PATIENCE, Limits, hold, rate
from running_server import FrozenClock, RunningServer
from until import until


def test_slots_are_held_inside_the_block_only(kind: Kind, name: str, limits: Limits) -> None:
    assert len(hold(kind, name, inside=lambda: limits.holders(name))) == 1
    assert limits.holders(name) == []


def test_slots_come_free_where_the_block_fails(kind: Kind, name: str, limits: Limits) -> None:
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        hold(kind, name, inside=fail)
    assert limits.holders(name) == []


def test_several_limits_are_taken_together(kind: Kind, name: str, limits: Limits) -> None:
    limits.add(f"second {name}", 5)
    names = [name, f"second {name}"]
    held = hold(kind, names, inside=lambda: [limits.holders(each) for each in names], holder="me")
    assert held == [["me"], ["me"]]


def test_nothing_is_asked_of_nobody(kind: Kind) -> None:
    with temporary_settings({"api_url": "127.0.0.1:1"}):
        assert hold(kind, [], inside=lambda: 7) == 7


def test_never_more_inside_than_slots(name: str) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def pass_through() -> None:
        nonlocal inside, most
        with sync_twin.concurrency(name):
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=pass_through) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert most == 1


def test_a_thousand_waiters_need_no_threads(name: str, limits: Limits) -> None:
    most = 0

    async def pass_through() -> None:
        nonlocal most
        async with async_twin.concurrency(name):
            most = max(most, threading.active_count())

    async def main() -> int:
        before = threading.active_count()
        async with async_twin.concurrency(name):
            waiters = [asyncio.ensure_future(pass_through()) for _ in range(1000)]
            await asyncio.to_thread(until, lambda: limits.waiters(name) == 1000, 60)
        await asyncio.gather(*waiters)
        return before

    # Some for the default executor, and the few of gRPC and of the session.
    before = asyncio.run(main())
    assert 0 < most - before < 40


def test_the_run_is_the_holder(kind: Kind, name: str, limits: Limits) -> None:
    @kind.task()
    def work() -> list[str]:
        return limits.holders(name)

    seen: list[list[str]] = []
    if kind.is_async:

        @task
        async def held() -> str:
            async with async_twin.concurrency(name):
                seen.append(limits.holders(name))
            return "done"

        @flow
        async def outer() -> None:
            await held()
            async with async_twin.concurrency(name):
                seen.append(limits.holders(name))

        asyncio.run(outer())
    else:

        @task
        def sync_held() -> None:
            with sync_twin.concurrency(name):
                seen.append(limits.holders(name))

        @flow
        def sync_outer() -> None:
            sync_held()
            with sync_twin.concurrency(name):
                seen.append(limits.holders(name))

        sync_outer()
    assert [holder.partition(":")[0] for (holder,) in seen] == ["task_run", "flow_run"]


@pytest.mark.parametrize("holder", [{"type": "flow_run", "id": "7"}, "flow_run:7"])
def test_a_holder_can_be_named(name: str, limits: Limits, holder: Any) -> None:
    assert hold(Kind(False), name, inside=lambda: limits.holders(name), holder=holder) == ["flow_run:7"]


# What cannot be had


def test_no_turn_in_time(kind: Kind, name: str) -> None:
    def again() -> None:
        with sync_twin.concurrency(name, timeout_seconds=0.05):
            raise AssertionError("nobody gets in")

    with pytest.raises(AcquireConcurrencySlotTimeoutError, match=r"No turn came within 0\.05 second.*gcl inspect") as e:
        hold(kind, name, inside=again)
    assert isinstance(e.value, TimeoutError)


def test_not_waiting_at_all(kind: Kind, name: str) -> None:
    with sync_twin.concurrency(name):
        with pytest.raises(AcquireConcurrencySlotTimeoutError):
            hold(kind, name, timeout_seconds=0)
        with pytest.raises(ConcurrencySlotAcquisitionError, match="has 0 of 1 slots free"):
            hold(kind, name, max_retries=0)


def test_retries_bound_the_wait_by_the_servers_guess(kind: Kind, limits: Limits, name: str) -> None:
    limits.add(f"decays {name}", 1, slot_decay_per_second=20.0)
    rate(kind, f"decays {name}")
    hold(kind, f"decays {name}", max_retries=5)  # a slot is free after 50 ms
    with sync_twin.concurrency(name), pytest.raises(ConcurrencySlotAcquisitionError, match="No slots can be had"):
        hold(kind, name, max_retries=1, timeout_seconds=PATIENCE)


def test_more_slots_than_there_are(kind: Kind, name: str) -> None:
    with pytest.raises(ConcurrencySlotAcquisitionError, match=r"2 slots are more than .* has \(1\).*ask for fewer"):
        hold(kind, name, 2)


def test_a_limit_of_zero(kind: Kind, limits: Limits, name: str) -> None:
    limits.add(f"zero {name}", 0)
    with pytest.raises(ConcurrencySlotAcquisitionError, match="has a limit of 0, so nobody may pass; raise it"):
        hold(kind, f"zero {name}")


def test_a_name_without_a_limit_bounds_nothing(
    kind: Kind, name: str, limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "antiphon")
    assert hold(kind, ["nobody", name, "nothing"], inside=lambda: len(limits.holders(name))) == 1
    said = [record.getMessage() for record in caplog.records if "no concurrency limit" in record.getMessage()]
    assert [("'nobody'" in each, "'nothing'" in each) for each in said] == [(True, False), (False, True)]
    assert "antiphon gcl create" in said[0]
    assert hold(kind, "nobody", inside=lambda: 7) == 7
    rate(kind, "nobody")


def test_a_name_without_a_limit_is_an_error_under_strict(kind: Kind, name: str) -> None:
    with pytest.raises(ConcurrencySlotAcquisitionError, match="there is no concurrency limit 'nobody'"):
        hold(kind, [name, "nobody"], strict=True)
    with pytest.raises(ConcurrencySlotAcquisitionError, match="there is no concurrency limit 'nobody'"):
        rate(kind, "nobody", strict=True)


@pytest.mark.usefixtures("stored")
def test_a_reserved_name(kind: Kind) -> None:
    with pytest.raises(ConcurrencySlotAcquisitionError, match="whose slots only runs take"):
        hold(kind, "deployment:x")


# Rates


def test_a_rate_is_used_up_and_comes_free_with_time(kind: Kind, tmp_path: Path) -> None:
    clock = FrozenClock()
    with RunningServer(tmp_path, clock=clock) as server, temporary_settings({"api_url": server.target}):
        with ServiceClient(server.target) as client:
            Limits(client).add("calls", 2, slot_decay_per_second=0.1)
            rate(kind, "calls")
            rate(kind, "calls")
            with pytest.raises(AcquireConcurrencySlotTimeoutError):
                rate(kind, "calls", timeout_seconds=0)
            clock.advance(9.9)
            with pytest.raises(AcquireConcurrencySlotTimeoutError):
                rate(kind, "calls", timeout_seconds=0)
            clock.advance(0.1)
            rate(kind, "calls", timeout_seconds=0)
            assert len(Limits(client).holders("calls")) == 2
        registry.close_all()
        close_clients()


def test_a_rate_needs_decay(kind: Kind, name: str) -> None:
    with pytest.raises(ConcurrencySlotAcquisitionError, match="set its slot_decay_per_second"):
        rate(kind, name)

"""What becomes of runs of one schedule that would overlap, through the core: by claims, as workers make them."""

from pathlib import Path
from typing import Any

import pytest

from antiphon_server.domain.states import CANCELLED, COMPLETED, PENDING, RUNNING, VerdictKind
from antiphon_server.storage import tables
from in_loop import in_loop
from scheduling import Scheduling, scheduling

TEN: dict[str, Any] = {"interval": {"interval": "600s"}}


async def two_due(it: Scheduling, overlap: str, **more: Any) -> tuple[str, list[str]]:
    """A schedule of which the first run is RUNNING while the second is due; and the ids of both."""
    id = await it.schedule(**TEN, overlap=overlap, **more)
    first, second = (row.id for row in it.rows(schedule_id=id)[:2])
    it.jump(10)
    assert (await claim(it, first)).kind == VerdictKind.ACCEPT
    await it.enter(first, RUNNING)
    it.jump(10)
    return id, [first, second]


async def claim(it: Scheduling, run: str) -> Any:
    return await it.enter(run, PENDING)


def state(it: Scheduling, run: str) -> Any:
    (row,) = it.rows(id=run)
    return row.state_name


@in_loop
async def test_allow_runs_both(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        _, (first, second) = await two_due(it, "OVERLAP_ALLOW")
        assert (await claim(it, second)).kind == VerdictKind.ACCEPT
        assert (state(it, first), state(it, second)) == ("Running", "Pending")


@in_loop
async def test_enqueue_lets_it_wait_for_the_end_of_the_other(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        _, (first, second) = await two_due(it, "OVERLAP_ENQUEUE")
        assert (await claim(it, second)).kind == VerdictKind.REJECT
        assert state(it, second) == "AwaitingConcurrencySlot"
        await it.enter(first, COMPLETED)
        (row,) = it.rows(id=second)
        assert row.next_scheduled_start_time <= it.core.clock(), "it is due now"
        assert (await claim(it, second)).kind == VerdictKind.ACCEPT


@in_loop
async def test_skip_cancels_it(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id, (first, second) = await two_due(it, "OVERLAP_SKIP", slug="mine")
        verdict = await claim(it, second)
        assert verdict.kind == VerdictKind.REJECT
        assert (state(it, first), state(it, second)) == ("Running", "Cancelled")
        with it.engine.connect() as connection:
            found = tables.transitions.select().where(tables.transitions.c.run_id == second)
            (message,) = [row.message for row in connection.execute(found) if row.state_type == CANCELLED]
        assert "schedule 'mine'" in message
        await it.enter(first, COMPLETED)
        third = it.rows(schedule_id=id)[2].id
        it.jump(10)
        assert (await claim(it, third)).kind == VerdictKind.ACCEPT


@in_loop
async def test_cancel_other_stops_the_first_and_starts_the_second_behind_it(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        _, (first, second) = await two_due(it, "OVERLAP_CANCEL_OTHER")
        assert (await claim(it, second)).kind == VerdictKind.REJECT
        assert (state(it, first), state(it, second)) == ("Cancelling", "AwaitingConcurrencySlot")
        await it.enter(first, CANCELLED)
        assert (await claim(it, second)).kind == VerdictKind.ACCEPT
        assert (state(it, first), state(it, second)) == ("Cancelled", "Pending")


@in_loop
async def test_runs_of_other_schedules_and_of_people_do_not_count(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        deployment = await it.deployment()
        mine = await it.schedule(deployment, **TEN, overlap="OVERLAP_SKIP")
        other = await it.schedule(deployment, **TEN, overlap="OVERLAP_SKIP")
        it.jump(10)
        for id in (mine, other):
            assert (await claim(it, it.rows(schedule_id=id)[0].id)).kind == VerdictKind.ACCEPT


@pytest.mark.parametrize("before", [1, 2, 3, 4])
def test_the_slot_that_they_share_comes_and_goes_with_the_policy(tmp_path: Path, before: int) -> None:
    @in_loop
    async def play() -> None:
        async with scheduling(tmp_path) as it:
            id = await it.schedule(**TEN, overlap=before)
            for overlap in (1, 2, 3, 4, 1):
                await it.change(id, overlap=overlap)
                assert limits(it) == ([] if overlap == 1 else [f"schedule:{id}"])
            await it.change(id, overlap=before)
            await it.delete(id)
            assert limits(it) == []

    play()


def limits(it: Scheduling) -> list[str]:
    with it.engine.connect() as connection:
        return [row.name for row in connection.execute(tables.concurrency_limits.select())]

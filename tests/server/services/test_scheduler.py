"""The scheduler on a core, with a clock that a test sets."""

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from antiphon_server.application import planning
from antiphon_server.application.calendars import UpdateCalendar
from antiphon_server.application.deployments import DeleteDeployment, UpdateDeployment
from antiphon_server.domain.errors import Unavailable
from antiphon_server.domain.states import CANCELLED, COMPLETED, PENDING, RUNNING, SCHEDULED, StateType
from antiphon_server.services import scheduler as scheduler_module
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.storage import tables
from in_loop import in_loop
from scheduling import Scheduling, scheduling
from writing import propose

TEN: dict[str, Any] = {"interval": {"interval": "600s"}}
HOURLY: dict[str, Any] = {"cron": {"expression": "5 * * * *"}}
LATEST, SKIP, ALL = "CATCH_UP_LATEST", "CATCH_UP_SKIP", "CATCH_UP_ALL"


@in_loop
async def test_a_change_is_planned_at_once(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        assert it.planned(id) == [10, 20, 30, 40, 50, 60]
        await it.change(id, paused=True)
        assert it.planned(id) == []
        await it.change(id, paused=False)
        assert it.planned(id) == [10, 20, 30, 40, 50, 60]
        await it.change(id, rule_kind=1, rule="5 * * * *")
        assert it.planned(id) == [5]
        await it.delete(id)
        assert it.rows() == []


@in_loop
async def test_as_time_passes_each_time_gets_one_run_before_it_comes(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        often, ten, hourly = (
            await it.schedule(interval={"interval": "20s"}),
            await it.schedule(**TEN),
            await it.schedule(**HOURLY),
        )
        await it.live(180)
        for id, step, first in ((often, 1 / 3, 1 / 3), (ten, 10, 10), (hourly, 60, 5)):
            times = it.planned(id)
            assert times == [round(first + number * step, 3) for number in range(len(times))]
            assert times[-1] > 180
        late = [row for row in it.rows() if row.create_time > row.expected_start_time]
        assert late == []


@in_loop
async def test_a_round_that_finds_nothing_due_writes_nothing_but_that_it_looked(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        assert await it.round() is None, "without schedules it does not look again"
        await it.schedule(**TEN)
        assert await it.round() == 30
        before, heard = it.rows(), []
        it.core.listen(heard.append)
        for _ in range(3):
            it.now += timedelta(seconds=5)
            await it.round()
        assert it.rows() == before
        assert not any(changes.runs or changes.schedules for changes in heard)


@in_loop
async def test_only_what_is_due_is_touched(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        ids = [await it.schedule(cron={"expression": f"{minute} * * * *"}) for minute in range(5, 35)]
        rows = {id: it.row(id) for id in ids}
        await it.live(10.5)
        touched = [id for id in ids if it.row(id) != rows[id]]
        assert touched == ids[:6]
        assert all(it.row(id).version == 1 for id in ids), "its etag is for people's changes"


@in_loop
async def test_what_is_due_stays_when_a_schedule_changes_and_what_is_ahead_goes(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        runs = it.rows(schedule_id=id)
        it.jump(25)
        await it.enter(runs[0].id, PENDING, RUNNING)
        await it.change(id, paused=True)
        assert it.states(id) == [(10, "Running"), (20, "Scheduled")]
        await it.change(id, paused=False)
        assert it.states(id)[2:] == [(each, "Scheduled") for each in (30, 40, 50, 60, 70, 80)]
        await it.delete(id)
        assert [row.id for row in it.rows()] == [runs[0].id, runs[1].id]


@in_loop
async def test_a_name_or_a_policy_is_changed_without_planning_anew(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        runs = [row.id for row in it.rows()]
        await it.change(id, slug="mine", catch_up=3, overlap=2, paused=False, max_scheduled_runs=0)
        assert [row.id for row in it.rows()] == runs
        await it.change(id, max_scheduled_runs=2)
        assert it.planned(id) == [10, 20]


@in_loop
async def test_a_claimed_run_is_not_planned_again(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**HOURLY)
        it.jump(4)
        (run,) = it.rows(schedule_id=id)
        await it.enter(run.id, PENDING, RUNNING, force=True)
        await it.change(id, jitter=0, catch_up=3)
        await it.change(id, paused=True)
        await it.change(id, paused=False)
        assert it.states(id) == [(5, "Running")]
        await it.live(2)
        assert it.states(id) == [(5, "Running"), (65, "Scheduled")]


@in_loop
async def test_a_deployment_that_rests_plans_nothing_and_misses_nothing(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        deployment = await it.deployment({**TEN, "catchUp": ALL})
        (id,) = {row.schedule_id for row in it.rows()}
        await it.core.run(UpdateDeployment(deployment, "", {"paused": True}))
        assert it.planned(id) == []
        await it.live(35)
        assert it.rows() == []
        await it.core.run(UpdateDeployment(deployment, "", {"paused": False}))
        assert it.planned(id) == [40, 50, 60, 70, 80, 90]


@in_loop
async def test_a_deployment_that_is_deleted_takes_its_plans_along(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        deployment = await it.deployment(TEN, {**HOURLY, "overlap": "OVERLAP_SKIP"})
        other = await it.schedule(**TEN)
        it.jump(15)
        deleted, round = await asyncio.gather(it.core.run(DeleteDeployment(deployment, "")), it.round())
        assert (deleted, round is None) == (None, False)
        await it.live(60)
        assert {
            row.schedule_id for row in it.rows(state_type=SCHEDULED) if row.create_time > row.expected_start_time
        } == set()
        left = [row for row in it.rows() if row.schedule_id != other]
        assert [it.minutes(row.expected_start_time) for row in left] == [5, 10], "what was due stays"
        with it.engine.connect() as connection:
            assert connection.execute(tables.concurrency_limits.select()).all() == []


# Away


def away_and_back(it: Scheduling, minutes: float) -> Scheduler:
    """Another server starts after so long."""
    it.jump(minutes)
    it.scheduler = Scheduler(it.core, monotonic=lambda: it._lived)
    return it.scheduler


@in_loop
async def test_a_server_that_was_away_catches_up_by_each_policy(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        kinds = {
            kind: await it.schedule(cron={"expression": "5,25,45 * * * *"}, catchUp=kind)
            for kind in (ALL, LATEST, SKIP)
        }
        await it.round()
        await away_and_back(it, 130).restore()
        every = [5, 25, 45, 65, 85, 105, 125]
        states = {kind: dict(it.states(id)) for kind, id in kinds.items()}
        ahead = dict.fromkeys([145, 165, 185], "Scheduled")
        assert states[ALL] == dict.fromkeys(every, "Scheduled") | ahead
        assert states[LATEST] == dict.fromkeys([5, 25, 45], "Cancelled") | {125: "Scheduled"} | ahead
        assert states[SKIP] == dict.fromkeys([5, 25, 45], "Cancelled") | ahead
        assert _messages(it, CANCELLED) == {
            f"no server ran at its time, and its schedule's catch-up policy is {kind}" for kind in ("LATEST", "SKIP")
        }


def _messages(it: Scheduling, type_: StateType) -> set[str]:
    """Of the states of a type that were entered."""
    transitions = tables.transitions
    with it.engine.connect() as connection:
        query = select(transitions.c.message).where(transitions.c.state_type == type_)
        return set(connection.execute(query).scalars())


@in_loop
async def test_a_server_that_is_started_anew_drops_nothing(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(interval={"interval": "10s"}, catchUp=SKIP)
        await it.round()
        await away_and_back(it, 0.9).restore()
        assert {name for _, name in it.states(id)} == {"Scheduled"}
        assert len(it.states(id)) == 100


@in_loop
async def test_one_that_is_killed_while_it_catches_up_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scheduling(tmp_path) as it:
        monkeypatch.setattr(planning, "MOST_PLANNED", 1)
        ids = [await it.schedule(cron={"expression": "5,25,45 * * * *"}, catchUp=LATEST) for _ in range(3)]
        await it.round()
        first = away_and_back(it, 130)
        run, planned = it.core.run, 0

        async def killed(operation: Any, **how: Any) -> Any:
            nonlocal planned
            planned += isinstance(operation, planning.PlanSchedules)
            if planned > 1:
                raise Unavailable("SERVER_STOPPING", "killed")
            return await run(operation, **how)

        monkeypatch.setattr(it.core, "run", killed)
        await first.restore()
        monkeypatch.setattr(it.core, "run", run)
        assert Counter(name for id in ids for _, name in it.states(id))["Cancelled"] == 3
        await away_and_back(it, 0.1).restore()
        for id in ids:
            assert Counter(name for _, name in it.states(id)) == {"Cancelled": 3, "Scheduled": 4}


@in_loop
async def test_a_machine_that_slept_was_away(tmp_path: Path) -> None:
    """By the wall clock much time has passed, and this process has lived through nothing of it."""
    async with scheduling(tmp_path) as it:
        id = await it.schedule(cron={"expression": "5,25,45 * * * *"}, catchUp=SKIP)
        await it.live(1)
        it.jump(30)
        await it.round()
        assert it.states(id)[:3] == [(5, "Cancelled"), (25, "Cancelled"), (45, "Scheduled")]


@in_loop
async def test_a_run_that_came_in_time_and_waits_for_a_slot_is_not_missed(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(cron={"expression": "5,25 * * * *"}, catchUp=SKIP, overlap="OVERLAP_ENQUEUE")
        first, second = (row.id for row in it.rows(schedule_id=id))
        await it.live(6)
        await it.enter(first, PENDING, RUNNING)
        await it.live(20)
        await it.enter(second, PENDING)
        await it.live(0.5)
        await away_and_back(it, 40).restore()
        assert it.states(id)[:2] == [(5, "Running"), (25, "AwaitingConcurrencySlot")]
        assert it.planned(id)[-2:] == [85, 125]


@in_loop
async def test_where_the_server_lives_runs_that_wait_for_a_worker_stay(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN, catchUp=SKIP)
        await it.live(150)
        assert {name for _, name in it.states(id)} == {"Scheduled"}
        assert it.planned(id)[:15] == [10.0 * number for number in range(1, 16)]


@in_loop
async def test_a_server_that_looked_at_no_schedules_was_not_away(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        await it.round()
        await it.delete(id)
        await it.live(600)
        id = await it.schedule(**TEN, catchUp=SKIP)
        await it.live(25)
        await away_and_back(it, 0.5).restore()
        assert {name for _, name in it.states(id)} == {"Scheduled"}


@in_loop
async def test_a_clock_that_jumps_back_and_forth_gives_no_time_two_runs(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN, catchUp=ALL)
        await it.live(65)
        it.jump(-300)
        await it.live(30)
        await it.change(id, jitter=0, max_scheduled_runs=3)
        await it.live(30)
        it.jump(300)
        await it.live(30)
        times = Counter(time for time, _ in it.states(id))
        assert set(times.values()) == {1}
        assert all(time in times for time in range(70, 130, 10))


@in_loop
async def test_a_run_that_is_done_does_not_come_back(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        run = it.rows()[0].id
        it.jump(10)
        await it.enter(run, PENDING, RUNNING, COMPLETED)
        await it.live(30)
        assert it.states(id)[0] == (10, "Completed")
        assert it.planned(id)[:3] == [20, 30, 40]


@in_loop
async def test_a_server_that_does_not_lead_leaves_schedules_to_the_one_that_does(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN, catchUp=ALL)
        leads = False
        follower = Scheduler(it.core, leads=lambda _: leads, monotonic=lambda: it._lived)
        planned = it.rows()
        it.jump(120)
        await follower.restore()
        assert await follower.round() == scheduler_module.INTERVAL
        assert it.rows() == planned
        leads = True
        await follower.round()
        assert [time for time, _ in it.states(id)] == [10.0 * number for number in range(1, 19)]


# Faults


@in_loop
async def test_a_rule_that_breaks_the_libraries_rests_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with scheduling(tmp_path) as it:
        bad, good = await it.schedule(**HOURLY), await it.schedule(**TEN)
        series_of = planning.series_of

        def breaks(schedule: Any, *rest: Any) -> Any:
            if schedule.id == bad:
                raise IndexError("a bug of a library")
            return series_of(schedule, *rest)

        monkeypatch.setattr(planning, "series_of", breaks)
        with caplog.at_level(logging.ERROR):
            await it.live(120)
        assert f"schedule {bad} of flow/" in caplog.text
        assert it.row(bad).plan_time is None
        assert it.planned(good)[-1] > 120
        monkeypatch.setattr(planning, "series_of", series_of)
        await it.change(bad, rule="6 * * * *")
        assert it.planned(bad) == [5, 126], "it goes on once it is changed"


@in_loop
async def test_a_round_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "RETRY_AFTER", 0.01)
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**TEN)
        it.jump(45)
        run, failed = it.core.run, 0

        async def full(operation: Any, **how: Any) -> Any:
            nonlocal failed
            if failed < 3:
                failed += 1
                raise Unavailable("STORAGE_BUSY", "the disk is full") if failed < 2 else ZeroDivisionError("a bug")
            return await run(operation, **how)

        monkeypatch.setattr(it.core, "run", full)
        planned = asyncio.Event()
        it.core.listen(lambda changes: planned.set() if changes.runs else None)
        running = asyncio.create_task(it.scheduler.run())
        await planned.wait()
        running.cancel()
        assert failed == 3
        assert [status.failures for status in it.board.all()] == [3]
        assert it.planned(id)[-1] > 60


@in_loop
async def test_it_wakes_for_a_schedule_that_is_due_sooner(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        running = asyncio.create_task(it.scheduler.run())
        heard: asyncio.Queue[Any] = asyncio.Queue()
        it.core.listen(lambda changes: heard.put_nowait(changes.schedules) if changes.schedules else None)
        await it.schedule(**HOURLY)
        assert await heard.get()
        calendar = await it.calendar("off", weekdays=[2])
        id = await it.schedule(cron={"expression": "0 6 * * *"}, excludedCalendars=["off"])
        assert it.planned(id) == [(24 + 18) * 60.0]
        planned = asyncio.Event()
        it.core.listen(lambda changes: planned.set() if it.planned(id) == [18 * 60.0] else None)
        await it.core.run(UpdateCalendar(calendar, "", {"weekdays": "[]"}))
        await planned.wait()
        running.cancel()


@in_loop
async def test_a_hundred_deployments_each_minute_for_an_hour_without_a_late_run(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        await asyncio.gather(*(it.deployment({"cron": {"expression": "* * * * *"}}) for _ in range(100)))
        late = 0
        for _ in range(60):
            await it.live(1)
            due = [row for row in it.rows(state_type=SCHEDULED) if row.next_scheduled_start_time <= it.core.clock()]
            late += sum(row.create_time > row.expected_start_time for row in due)
            assert len(due) == 100
            for type_ in (PENDING, RUNNING, COMPLETED):
                await asyncio.gather(*(it.core.run(propose(row.id, type_)) for row in due))
        done = it.rows(state_type=COMPLETED)
        assert (len(done), late) == (6000, 0)
        per_schedule = Counter(row.schedule_id for row in done)
        assert set(per_schedule.values()) == {60}
        # A state is entered behind the one before, by a microsecond at least.
        assert max(row.start_time - row.expected_start_time for row in done) <= 2

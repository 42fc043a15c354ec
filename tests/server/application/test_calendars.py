"""Calendars, and the schedules that exclude them."""

from pathlib import Path
from typing import Any

import pytest

from antiphon_server.application.calendars import DeleteCalendar, UpdateCalendar
from antiphon_server.application.planning import PlanSchedules
from antiphon_server.domain.errors import Aborted, AlreadyExists, FailedPrecondition
from antiphon_server.domain.schedules.plan import MOST_AHEAD
from antiphon_server.services.scheduler import Scheduler
from in_loop import in_loop
from scheduling import scheduling

#: At six each morning; NOON is that of Monday 1 June.
SIX: dict[str, Any] = {"cron": {"expression": "0 6 * * *"}}
DAY = 24 * 60.0


@in_loop
async def test_days_off_are_those_of_the_time_zone(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        await it.calendar("tuesdays", weekdays=[2])
        id = await it.schedule(
            cron={"expression": "0 20 * * *"}, timeZone="America/New_York", excludedCalendars=["tuesdays"]
        )
        assert it.planned(id) == [12 * 60.0], "Monday evening there is Tuesday in UTC"
        await it.live(12 * 60 + 1)
        assert it.planned(id) == [12 * 60.0, 12 * 60 + 2 * DAY]


@in_loop
async def test_a_change_of_days_has_the_schedules_that_exclude_it_planned_anew(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("off", days=["2026-06-02"])
        id, other = await it.schedule(**SIX, excludedCalendars=["off"]), await it.schedule(**SIX)
        rests = await it.schedule(**SIX, excludedCalendars=["off"], paused=True)
        untouched = it.row(other), it.rows(schedule_id=other)
        assert it.planned(id) == [18 * 60 + DAY]
        await it.core.run(UpdateCalendar(calendar, "", {"days": '["06-03"]'}))
        await it.round()
        assert it.planned(id) == [18 * 60.0]
        await it.core.run(UpdateCalendar(calendar, "", {"description": "no other days"}))
        assert it.planned(id) == [18 * 60.0]
        assert (it.row(other), it.rows(schedule_id=other)) == untouched
        assert it.planned(rests) == []
        assert it.row(rests).plan_time is None


@in_loop
async def test_a_change_does_not_bring_back_what_has_run(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("off", weekdays=[7])
        id = await it.schedule(interval={"interval": "60s"}, jitter="50s", excludedCalendars=["off"])
        await it.live(5.5)
        before = {row.idempotency_key for row in it.rows(schedule_id=id) if row.expected_start_time <= it.core.clock()}
        await it.core.run(UpdateCalendar(calendar, "", {"weekdays": "[6]"}))
        await it.round()
        rows = it.rows(schedule_id=id)
        assert len({row.idempotency_key for row in rows}) == len(rows)
        assert before <= {row.idempotency_key for row in rows}


@in_loop
async def test_a_change_that_many_schedules_feel_is_carried_out_in_small_steps(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("off")
        for _ in range(5):
            await it.schedule(interval={"interval": "1s"}, excludedCalendars=["off"])
        before = it.rows()
        await it.core.run(UpdateCalendar(calendar, "", {"weekdays": "[1]"}))
        assert it.rows() == before
        await it.core.run(PlanSchedules())
        assert len(it.rows()) == 3 * MOST_AHEAD + 2, "of two schedules the runs of today are gone"
        await it.round()
        assert len(it.rows()) == 5


@in_loop
async def test_what_is_planned_anew_survives_a_server_that_was_away(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("off", days=["2026-06-02"])
        id = await it.schedule(**SIX, excludedCalendars=["off"], catchUp="CATCH_UP_ALL")
        await it.round()
        await it.core.run(UpdateCalendar(calendar, "", {"days": "[]"}))
        it.jump(18 * 60 + 1.5 * DAY)
        it.scheduler = Scheduler(it.core)
        await it.scheduler.round()
        assert it.states(id) == [
            (18 * 60.0, "Scheduled"),
            (18 * 60 + DAY, "Scheduled"),
            (18 * 60 + 2 * DAY, "Scheduled"),
        ]


@in_loop
async def test_one_that_excludes_every_day_lets_nothing_fire(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("all", weekdays=[1, 2, 3, 4, 5, 6, 7])
        id = await it.schedule(**SIX, excludedCalendars=["all"])
        assert (it.planned(id), it.row(id).plan_time) == ([], None)
        await it.core.run(UpdateCalendar(calendar, "", {"weekdays": "[2]"}))
        await it.round()
        assert it.planned(id) == [18 * 60 + DAY]


@in_loop
async def test_names_and_uses(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        calendar = await it.calendar("off", weekdays=[6])
        with pytest.raises(AlreadyExists, match="there is a calendar 'off' already"):
            await it.calendar("off")
        id = await it.schedule(**SIX, excludedCalendars=["off"])
        with pytest.raises(FailedPrecondition, match=f"1 schedules exclude calendar 'off', {id} among them"):
            await it.core.run(DeleteCalendar(calendar, ""))
        await it.change(id, excluded_calendars="[]")
        with pytest.raises(Aborted, match="read it again"):
            await it.core.run(DeleteCalendar(calendar, "2"))
        await it.core.run(DeleteCalendar(calendar, "1"))

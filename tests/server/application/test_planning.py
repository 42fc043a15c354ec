"""Planning in the writer's transactions. As time passes it is tested by services/test_scheduler.py."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from antiphon_server.application import planning
from antiphon_server.application.planning import PlanSchedules, idempotency_key
from antiphon_server.application.schedule_times import LookAtSchedules, NoteLook, Planning
from antiphon_server.domain.schedules.plan import MOST_AHEAD
from antiphon_server.storage.deployment_tables import schedules
from in_loop import in_loop
from scheduling import NOON, Scheduling, micros, scheduling
from stores import only_sqlite

HOURLY: dict[str, Any] = {"cron": {"expression": "5 * * * *"}}
OFTEN: dict[str, Any] = {"interval": {"interval": "1s"}}


async def many(it: Scheduling, count: int, **fields: Any) -> None:
    """Schedules of which none has runs yet."""
    for _ in range(count // 100):
        await it.deployment(*([fields | {"paused": True}] * 100))
    await it.deployment(*([fields | {"paused": True}] * (count % 100)))
    with it.engine.begin() as connection:
        connection.execute(schedules.update().values(paused=False, plan_time=1))


def asked(it: Scheduling) -> list[str]:
    """Statements of the writer from now on."""
    found: list[str] = []
    event.listen(it.engine, "before_cursor_execute", lambda *call: found.append(call[2]))
    return found


@in_loop
async def test_a_run_is_made_with_what_the_schedule_and_the_deployment_say(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        deployment = await it.deployment(tags=["d"], jobVariables='{"image": "x"}')
        id = await it.schedule(deployment, **HOURLY)
        (run,) = it.rows()
        assert (run.schedule_id, run.deployment_id, run.deployment_version) == (id, deployment, 1)
        assert (json.loads(run.tags), run.auto_scheduled) == (["d", "auto-scheduled"], True)
        assert (run.state_name, run.job_variables, run.name[:5]) == ("Scheduled", '{"image": "x"}', "flow-")
        time = micros(NOON + timedelta(minutes=5))
        assert (run.expected_start_time, run.idempotency_key) == (time, idempotency_key(id, time))


@in_loop
async def test_one_transaction_plans_a_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scheduling(tmp_path) as it:
        await many(it, 150, **OFTEN)
        await it.core.run(PlanSchedules())
        assert len(it.rows()) == planning.MANY_RUNS
        await it.round()
        assert len(it.rows()) == 150 * MOST_AHEAD


@in_loop
async def test_rules_that_take_long_share_no_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "BUDGET", 0.0)
    async with scheduling(tmp_path) as it:
        await it.deployment(*[HOURLY] * 4)
        assert len(it.rows()) == 1, "one at least, in the transaction that makes them"
        await it.core.run(PlanSchedules())
        assert len(it.rows()) == 2
        await it.round()
        assert len(it.rows()) == 4


@in_loop
async def test_it_takes_few_statements_however_many_are_planned(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        await it.calendar("off", weekdays=[2])
        await many(it, 190, **HOURLY, excludedCalendars=["off"])
        statements = asked(it)
        await it.core.run(PlanSchedules())
        assert len(it.rows()) == 190
        assert len(statements) < 15, statements


@in_loop
@only_sqlite
async def test_the_next_time_to_plan_is_found_by_its_index(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        await many(it, 30, **HOURLY)
        with it.engine.connect() as connection:
            statements = asked(it)
            await it.core.run(LookAtSchedules())
            (query,) = [each for each in statements if "min(" in each]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert all("ix_schedules_plan_time" in row[3] for row in plan if "schedules" in row[3]), plan


@in_loop
async def test_when_a_server_looked_is_known_by_the_next_one(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        assert await it.core.run(LookAtSchedules()) == Planning(False, None, None)
        await it.schedule(**HOURLY)
        due = micros(NOON + timedelta(minutes=5))
        assert await it.core.run(LookAtSchedules()) == Planning(True, due, None)
        await it.core.run(NoteLook())
        it.jump(3)
        assert await it.core.run(LookAtSchedules()) == Planning(True, due, micros(NOON))
        await it.core.run(NoteLook())
        assert await it.core.run(LookAtSchedules()) == Planning(True, due, micros(it.now))


@in_loop
async def test_a_time_for_which_a_backfill_has_made_a_run_gets_no_other(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.schedule(**HOURLY, paused=True)
        time = micros(NOON + timedelta(minutes=65))
        run = planning.RunOf(scheduled_time=time, idempotency_key=idempotency_key(id, time))
        deployment = it.row(id).deployment_id
        await it.core.run(planning.deployment_runs.RunDeployment(deployment, run, ""))
        await it.change(id, paused=False)
        await it.live(126)
        times = [it.minutes(row.expected_start_time) for row in it.rows()]
        assert times == [5, 65, 125, 185]

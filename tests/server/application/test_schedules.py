"""Schedules as a deployment's list, in the writer's transactions. Single ones are in services/test_scheduler.py."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from antiphon.v1.deployment_pb2 import Deployment
from antiphon_server.application.deployments import ApplyDeployment, UpdateDeployment
from antiphon_server.domain.errors import AlreadyExists, InvalidArgument, NotFound
from antiphon_server.rpc.deployment_conversions import create_deployment_from
from antiphon_server.storage.deployment_tables import schedules
from in_loop import in_loop
from scheduling import Scheduling, scheduling

DAILY: dict[str, Any] = {"cron": {"expression": "0 18 * * *"}}
HOURLY: dict[str, Any] = {"cron": {"expression": "5 * * * *"}}


def wanted(*each: dict[str, Any]) -> Any:
    """The columns that a deployment is made with."""
    message = json_format.ParseDict({"name": "d", "flowName": "flow", "schedules": list(each)}, Deployment())
    return create_deployment_from(message).values["schedules"]


def there(it: Scheduling) -> dict[str, Any]:
    """The schedules by their rules, in order."""
    with it.engine.connect() as connection:
        return {row.rule: row for row in connection.execute(schedules.select().order_by(schedules.c.id))}


async def setting(it: Scheduling, id: str, *each: dict[str, Any]) -> None:
    await it.core.run(UpdateDeployment(id, "", {"schedules": wanted(*each)}))


@in_loop
async def test_a_list_that_is_the_same_changes_nothing(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment(DAILY, {**HOURLY, "slug": "hourly"})
        before, runs = there(it), it.rows()
        await setting(it, id, DAILY, {**HOURLY, "slug": "hourly"})
        assert (there(it), it.rows()) == (before, runs)


@in_loop
async def test_those_that_stay_keep_their_ids_and_their_runs(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment(DAILY, {**HOURLY, "slug": "hourly"})
        before, runs = there(it), it.rows(schedule_id=there(it)["0 18 * * *"].id)
        await setting(
            it, id, {"cron": {"expression": "7 * * * *"}, "slug": "hourly"}, DAILY, {"interval": {"interval": "60s"}}
        )
        after = there(it)
        assert after["0 18 * * *"] == before["0 18 * * *"]
        assert it.rows(schedule_id=after["0 18 * * *"].id) == runs
        assert after["7 * * * *"].id == before["5 * * * *"].id, "by its slug"
        assert it.planned(after["7 * * * *"].id) == [7]
        assert len(it.planned(after[""].id)) == 60
        await setting(it, id)
        assert (there(it), it.rows()) == ({}, [])


@in_loop
async def test_whether_one_rests_is_left_as_it_is_where_nothing_is_said(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment(DAILY)
        await it.change(there(it)["0 18 * * *"].id, paused=True)
        await setting(it, id, {**DAILY, "catchUp": "CATCH_UP_ALL"})
        assert (there(it)["0 18 * * *"].paused, it.rows()) == (True, [])
        await setting(it, id, {**DAILY, "paused": False})
        assert len(it.rows()) == 1


@in_loop
async def test_two_of_one_rule_are_two(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment(HOURLY, HOURLY)
        assert [it.minutes(row.expected_start_time) for row in it.rows()] == [5, 5]
        await setting(it, id, HOURLY)
        assert len(it.rows()) == 1


@in_loop
async def test_a_slug_moves_to_another_schedule(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment({**HOURLY, "slug": "a"}, {**DAILY, "slug": "b"})
        before = there(it)
        await setting(it, id, {**DAILY, "slug": "a"}, {**HOURLY, "slug": "b"})
        after = there(it)
        assert after["0 18 * * *"].id == before["5 * * * *"].id
        assert sorted(it.minutes(row.expected_start_time) for row in it.rows()) == [5, 360]


@in_loop
async def test_one_that_is_wrong_leaves_all_as_they_were(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        id = await it.deployment(DAILY)
        before = there(it), it.rows()
        with pytest.raises(NotFound, match="there is no calendar 'nope'"):
            await setting(it, id, HOURLY, {**DAILY, "excludedCalendars": ["nope"]})
        with pytest.raises(InvalidArgument, match="two schedules have the slug 'x'"):
            await setting(it, id, {**HOURLY, "slug": "x"}, {**DAILY, "slug": "x"})
        assert (there(it), it.rows()) == before
        slugged = await it.schedule(id, **HOURLY, slug="x")
        with pytest.raises(AlreadyExists, match="has a schedule 'x' already"):
            await it.schedule(id, **DAILY, slug="x")
        assert slugged in {row.id for row in there(it).values()}


@in_loop
async def test_a_deployment_is_applied_again_and_again(tmp_path: Path) -> None:
    async with scheduling(tmp_path) as it:
        message = json_format.ParseDict({"name": "d", "flowName": "flow", "schedules": [HOURLY]}, Deployment())
        ids = set()
        for _ in range(3):
            creation = create_deployment_from(message)
            id, _created = await it.core.run(ApplyDeployment(creation, {"schedules": creation.values["schedules"]}))
            ids.add(id)
        assert len(ids) == len(it.rows()) == 1


@in_loop
async def test_what_runs_is_what_holds_when_it_comes(tmp_path: Path) -> None:
    """Runs that are planned ahead are made anew where the deployment changes what they are made with."""
    async with scheduling(tmp_path) as it:
        id = await it.deployment(HOURLY)
        assert [row.deployment_version for row in it.rows()] == [1]
        await it.core.run(UpdateDeployment(id, "", {"entrypoint": "flows.py:other"}))
        assert [row.deployment_version for row in it.rows()] == [2]
        runs = it.rows()
        await it.core.run(UpdateDeployment(id, "", {"name": "renamed"}))
        assert it.rows() == runs

"""Deployments and their runs by the client."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from antiphon.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, WorkPoolCreate
from antiphon.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from antiphon.client.schemas.schedules import (
    CronSchedule,
    IntervalSchedule,
    RRuleSchedule,
    construct_schedule,
    is_schedule_type,
)
from antiphon.exceptions import ObjectNotFound, ObjectUnsupported, SerializationError, ServerError
from antiphon.states import Scheduled


def test_a_deployment(api: Any) -> None:
    name = f"deployed-{uuid4().hex[:8]}"
    flow = api.create_flow_from_name(name)
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{name}"))
    queue = api.create_work_queue("q", work_pool_name=pool.name)
    options = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=90)
    made = api.create_deployment(
        flow,
        "main",
        concurrency_limit=2,
        concurrency_options=options,
        work_pool_name=pool.name,
        work_queue_name="q",
        tags=["a"],
        paused=True,
    )
    read = api.read_deployment(made)
    assert (read.id, read.flow_id, read.name, read.tags, read.paused) == (made, flow, "main", ["a"], True)
    assert (read.concurrency_limit, read.concurrency_options) == (2, options)
    assert (read.work_queue_id, read.work_queue_name, read.work_pool_name) == (queue.id, "q", pool.name)
    assert read == api.read_deployment_by_name(f"{name}/main") == api.read_deployment(str(made))
    assert api.create_deployment(flow, "main", tags=["b"]) == made
    again = api.read_deployment(made)
    assert (again.tags, again.paused, again.concurrency_limit) == (["b"], True, 2)


def test_change_a_deployment(api: Any) -> None:
    flow = api.create_flow_from_name(f"changed-{uuid4().hex[:8]}")
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4().hex[:8]}"))
    api.create_work_queue("q", work_pool_name=pool.name)
    made = api.create_deployment(flow, "main", concurrency_limit=2, tags=["a"])
    api.update_deployment(made, DeploymentUpdate(name="new", tags=[], work_pool_name=pool.name, work_queue_name="q"))
    read = api.read_deployment(made)
    assert (read.name, read.tags, read.work_queue_name, read.concurrency_limit) == ("new", [], "q", 2)
    api.update_deployment(made, DeploymentUpdate(concurrency_limit=None, work_queue_name=None))
    read = api.read_deployment(made)
    assert (read.concurrency_limit, read.concurrency_options, read.work_queue_name) == (None, None, None)
    api.update_deployment(made, DeploymentUpdate())
    with pytest.raises(ValueError, match="work_pool_name is needed: queues of several pools may have one name"):
        api.update_deployment(made, DeploymentUpdate(work_queue_name="q"))
    api.pause_deployment(made)
    assert api.read_deployment(made).paused
    api.resume_deployment(str(made))
    assert not api.read_deployment(made).paused
    api.set_deployment_paused_state(made, True)
    assert api.read_deployment(made).paused
    api.delete_deployment(made)
    with pytest.raises(ObjectNotFound):
        api.read_deployment(made)


def test_a_name_without_a_flow(api: Any) -> None:
    with pytest.raises(ValueError, match="named as \"flow/deployment\", not 'main'"):
        api.read_deployment_by_name("main")
    with pytest.raises(ObjectNotFound):
        api.read_deployment_by_name("no flow/main")


def test_runs_of_a_deployment(api: Any) -> None:
    flow = api.create_flow_from_name(f"started-{uuid4().hex[:8]}")
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4().hex[:8]}"))
    queues = [api.create_work_queue(name, work_pool_name=pool.name) for name in ("q", "r")]
    names = {"work_pool_name": pool.name, "work_queue_name": "q"}
    made = api.create_deployment(flow, "main", tags=["a"], **names)
    run = api.create_flow_run_from_deployment(
        made, parameters={"x": 1}, name="by hand", tags=["a", "b"], idempotency_key="k"
    )
    assert (run.deployment_id, run.flow_id, run.name, run.tags) == (made, flow, "by hand", ["a", "b"])
    assert (run.parameters, run.idempotency_key, run.state_name) == ({"x": 1}, "k", "Scheduled")
    assert (run.work_queue_id, run.work_queue_name, run.work_pool_name) == (queues[0].id, "q", pool.name)
    assert run.work_pool_id == pool.id
    assert api.create_flow_run_from_deployment(made, idempotency_key="k").id == run.id
    later = datetime.now(UTC) + timedelta(hours=2)
    other = api.create_flow_run_from_deployment(made, state=Scheduled(later), work_queue_name="r")
    assert other.work_queue_id == queues[1].id

    def due(*args: Any) -> list[Any]:
        return [each.id for each in api.get_scheduled_flow_runs_for_deployments([made], *args)]

    assert due() == [run.id, other.id]
    assert due(datetime.now(UTC)) == due(None, 1) == [run.id]
    assert api.get_scheduled_flow_runs_for_deployments([]) == []


def test_runs_that_cannot_be(api: Any) -> None:
    made = api.create_deployment(api.create_flow_from_name(f"refused-{uuid4().hex[:8]}"), "main")
    with pytest.raises(SerializationError, match="parameters cannot be said in JSON"):
        api.create_flow_run_from_deployment(made, parameters={"x": object()})
    with pytest.raises(ObjectUnsupported, match=r"keeps no labels of a flow run\. Leave it out"):
        api.create_flow_run_from_deployment(made, labels={"a": 1})
    with pytest.raises(ServerError, match="queue"):
        api.create_flow_run_from_deployment(made, work_queue_name="q")
    with pytest.raises(ObjectNotFound):
        api.create_flow_run_from_deployment(uuid4())


def test_all_that_a_deployment_says_is_written_and_read(api: Any) -> None:
    flow = api.create_flow_from_name(f"whole-{uuid4().hex[:8]}")
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4().hex[:8]}"))
    said: dict[str, Any] = {
        "version": "1.2",
        "description": "Why.",
        "parameters": {"x": 1, "y": 2},
        "path": "/srv/flows",
        "entrypoint": "flows.py:whole",
        "parameter_openapi_schema": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {}}},
        "pull_steps": [{"antiphon.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        "job_variables": {"env": {"A": "1"}},
        "work_pool_name": pool.name,
    }
    daily = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"), slug="daily")
    made = api.create_deployment(flow, "main", schedules=[daily], **said)
    read = api.read_deployment(made)
    assert {name: getattr(read, name) for name in said} == said
    assert (read.work_queue_name, read.enforce_parameter_schema) == ("default", True)
    (kept,) = read.schedules
    assert (kept.schedule, kept.slug, kept.active, kept.deployment_id) == (daily.schedule, "daily", True, made)

    run = api.create_flow_run_from_deployment(made, parameters={"y": 3}, job_variables={"image": "a"})
    assert (run.parameters, run.job_variables) == ({"x": 1, "y": 3}, {"env": {"A": "1"}, "image": "a"})
    with pytest.raises(ServerError, match="is not of type 'integer'"):
        api.create_flow_run_from_deployment(made, parameters={"x": "one"})
    api.update_deployment(made, DeploymentUpdate(entrypoint="other.py:whole", parameters={}, schedules=[]))
    read = api.read_deployment(made)
    assert (read.entrypoint, read.parameters, read.schedules, read.version) == ("other.py:whole", {}, [], "1.2")


def test_schedules_of_a_deployment(api: Any) -> None:
    flow = api.create_flow_from_name(f"timed-{uuid4().hex[:8]}")
    made, other = api.create_deployment(flow, "main"), api.create_deployment(flow, "other")
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    hourly = IntervalSchedule(interval=timedelta(hours=1), anchor_date=midnight, timezone="Asia/Tokyo")
    fridays = construct_schedule(rrule="FREQ=WEEKLY;BYDAY=FR", timezone="UTC")
    given = [(hourly, True), (fridays, False)]
    first, second = api.create_deployment_schedules(made, given, max_scheduled_runs=2, parameters={"x": 1})
    assert (first.schedule, first.active, first.max_scheduled_runs, first.parameters) == (hourly, True, 2, {"x": 1})
    assert (second.schedule, second.active) == (fridays, False)
    assert api.read_deployment_schedules(made) == [first, second]

    both = CronSchedule(cron="0 0 13 * FRI", day_or=False)
    api.update_deployment_schedule(made, first.id, active=False, schedule=both, slug="unlucky")
    api.update_deployment_schedule(made, first.id)
    changed = api.read_deployment_schedules(made)[0]
    assert (changed.schedule, changed.active, changed.slug, changed.parameters) == (both, False, "unlucky", {"x": 1})
    for call in (api.update_deployment_schedule, api.delete_deployment_schedule):
        with pytest.raises(ObjectNotFound, match="that is another one's"):
            call(other, first.id)
    api.delete_deployment_schedule(made, str(second.id))
    assert [each.id for each in api.read_deployment_schedules(made)] == [first.id]


def test_schedules_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="has one of interval, cron and rrule"):
        construct_schedule(cron="@daily", interval=3)
    with pytest.raises(ValueError, match="There is no time zone 'Europe/Berln'"):
        CronSchedule(cron="@daily", timezone="Europe/Berln")
    assert construct_schedule(interval=60) == IntervalSchedule(interval=timedelta(minutes=1))
    assert is_schedule_type(RRuleSchedule(rrule="FREQ=DAILY")) and not is_schedule_type("@daily")

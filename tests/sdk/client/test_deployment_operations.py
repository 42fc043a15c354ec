"""Deployments and their runs by the client."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from antiphon.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from antiphon.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from antiphon.exceptions import ObjectNotFound, ObjectUnsupported, SerializationError
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
    with pytest.raises(ObjectUnsupported, match=r"keeps no job_variables of a flow run\. Leave it out"):
        api.create_flow_run_from_deployment(made, job_variables={"a": 1})
    with pytest.raises(ValueError, match="work_pool_name is needed"):
        api.create_flow_run_from_deployment(made, work_queue_name="q")
    with pytest.raises(ObjectNotFound):
        api.create_flow_run_from_deployment(uuid4())

"""Workers, and what waits for them, by the client."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from antiphon.client.schemas.actions import WorkPoolCreate
from antiphon.client.schemas.filters import Operator, WorkerFilter, WorkerFilterLastHeartbeatTime, WorkerFilterStatus
from antiphon.client.schemas.objects import WorkerStatus
from antiphon.exceptions import ObjectNotFound
from antiphon.states import Scheduled
from hand_worker import HandWorker
from stored import Stored


def test_workers_of_a_pool(api: Any, stored: Stored) -> None:
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4().hex[:8]}"))
    here, gone = (HandWorker(stored.client._channel, name=name, work_pool_name=pool.name) for name in ("here", "gone"))
    here.welcome()
    gone.welcome()
    gone.goodbye()
    second, first = api.read_workers_for_work_pool(pool.name)
    assert (first.name, first.status, first.work_pool_id) == ("here", WorkerStatus.ONLINE, pool.id)
    assert (second.name, second.status) == ("gone", WorkerStatus.OFFLINE)
    assert first.last_heartbeat_time is not None
    assert api.read_workers_for_work_pool(pool.name, limit=1, offset=1) == [first]

    def found(**parts: Any) -> list[str]:
        return [each.name for each in api.read_workers_for_work_pool(pool.name, WorkerFilter(**parts))]

    online = WorkerFilterStatus(any_=[WorkerStatus.ONLINE])
    never = WorkerFilterLastHeartbeatTime(after_=datetime.now(UTC) + timedelta(days=1))
    assert (found(status=online), found(last_heartbeat_time=never)) == (["here"], [])
    assert found(status=WorkerFilterStatus(not_any_=[WorkerStatus.ONLINE])) == ["gone"]
    assert (found(status=online, last_heartbeat_time=never), found()) == ([], ["gone", "here"])
    assert found(status=online, last_heartbeat_time=never, operator=Operator.or_) == ["here"]
    here.goodbye()
    with pytest.raises(ObjectNotFound):
        api.read_workers_for_work_pool("no pool")


def test_what_waits_in_a_pool(api: Any) -> None:
    flow = api.create_flow_from_name(f"waits-{uuid4().hex[:8]}")
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4().hex[:8]}"))
    queue = api.create_work_queue("slow", work_pool_name=pool.name, description="For what may wait.")
    assert api.read_work_queue(queue.id).description == "For what may wait."
    fast = api.create_deployment(flow, "fast", work_pool_name=pool.name)
    slow = api.create_deployment(flow, "slow", work_pool_name=pool.name, work_queue_name="slow")
    later = datetime.now(UTC) + timedelta(hours=1)
    second = api.create_flow_run_from_deployment(slow, state=Scheduled(later))
    first = api.create_flow_run_from_deployment(fast)

    def waiting(*args: Any) -> list[Any]:
        return [each.flow_run.id for each in api.get_scheduled_flow_runs_for_work_pool(pool.name, *args)]

    assert waiting() == [first.id, second.id]
    assert (waiting(["slow"]), waiting(["slow", "default"], datetime.now(UTC))) == ([second.id], [first.id])
    (response,) = api.get_scheduled_flow_runs_for_work_pool(pool.name, ["slow"])
    assert (response.work_pool_id, response.work_queue_id) == (pool.id, queue.id)
    of_queue: Callable[..., Any] = api.get_runs_in_work_queue
    assert [each.id for each in of_queue(queue.id)] == [second.id]
    assert of_queue(queue.id, 10, datetime.now(UTC)) == of_queue(queue.id, 0) == []
    with pytest.raises(ObjectNotFound):
        waiting(["no queue"])

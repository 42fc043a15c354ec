"""Work pools, their queues, logs and the server by the client."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from antiphon.client.schemas.actions import LogCreate, WorkPoolCreate, WorkPoolUpdate
from antiphon.client.schemas.filters import (
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    LogFilterTextSearch,
    LogFilterTimestamp,
    WorkPoolFilter,
    WorkPoolFilterName,
    WorkPoolFilterType,
    WorkQueueFilter,
    WorkQueueFilterName,
)
from antiphon.client.schemas.objects import WorkPoolStatus
from antiphon.client.schemas.sorting import LogSort
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound


def test_pools(api: Any) -> None:
    name = f"pool-{uuid4().hex[:8]}"
    made = api.create_work_pool(WorkPoolCreate(name=name, concurrency_limit=3))
    assert made == api.read_work_pool(name)
    assert (made.name, made.type, made.is_paused, made.concurrency_limit, made.active_slots) == (
        name,
        "process",
        False,
        3,
        0,
    )
    with pytest.raises(ObjectAlreadyExists):
        api.create_work_pool(WorkPoolCreate(name=name))
    changed = api.create_work_pool(WorkPoolCreate(name=name, type="docker", is_paused=True), overwrite=True)
    assert (changed.id, changed.type, changed.is_paused, changed.concurrency_limit) == (made.id, "docker", True, None)
    assert changed.status is WorkPoolStatus.PAUSED
    api.update_work_pool(name, WorkPoolUpdate(is_paused=False, concurrency_limit=1))
    api.update_work_pool(name, WorkPoolUpdate())
    read = api.read_work_pool(name)
    assert (read.is_paused, read.concurrency_limit, read.type) == (False, 1, "docker")
    mine = WorkPoolFilter(name=WorkPoolFilterName(any_=[name]), type=WorkPoolFilterType(any_=["docker"]))
    assert [each.id for each in api.read_work_pools(work_pool_filter=mine)] == [made.id]
    assert made.id in [each.id for each in api.read_work_pools(limit=1000)]
    template = {
        "job_configuration": {"command": "{{ command }}"},
        "variables": {"type": "object", "properties": {"command": {}}},
    }
    api.update_work_pool(name, WorkPoolUpdate(description="text", base_job_template=template))
    read = api.read_work_pool(name)
    assert (read.description, read.base_job_template, read.status) == ("text", template, WorkPoolStatus.NOT_READY)
    assert read.default_queue_id == api.read_work_queue_by_name("default", name).id
    api.delete_work_pool(name)
    with pytest.raises(ObjectNotFound):
        api.read_work_pool(name)


def test_queues(api: Any) -> None:
    mark = uuid4().hex[:8]
    pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{mark}"))
    made = api.create_work_queue(f"{mark}-a", concurrency_limit=2, priority=3, work_pool_name=pool.name)
    assert (made.name, made.priority, made.concurrency_limit, made.is_paused) == (f"{mark}-a", 3, 2, False)
    assert (made.work_pool_id, made.work_pool_name) == (pool.id, pool.name)
    assert made == api.read_work_queue(made.id) == api.read_work_queue_by_name(made.name, work_pool_name=pool.name)
    other = api.create_work_queue(f"{mark}-b", is_paused=True, work_pool_name=pool.name)
    assert other.is_paused and other.status == "PAUSED"

    def found(**arguments: Any) -> set[str]:
        return {each.name.removeprefix(f"{mark}-") for each in api.read_work_queues(**arguments)}

    assert found(work_pool_name=pool.name) == {"a", "b", "default"}
    only = WorkQueueFilter(name=WorkQueueFilterName(startswith_=[f"{mark}-b"]))
    assert found(work_pool_name=pool.name, work_queue_filter=only) == found(work_queue_filter=only) == {"b"}
    assert [each.id for each in api.match_work_queues([f"{mark}-a"])] == [made.id]
    assert api.match_work_queues([f"{mark}-a"], work_pool_name="nobody") == []
    api.update_work_queue(made.id, name=f"{mark}-c", is_paused=True, concurrency_limit=None, priority=1)
    api.update_work_queue(made.id)
    read = api.read_work_queue(str(made.id))
    assert (read.name, read.is_paused, read.concurrency_limit, read.priority) == (f"{mark}-c", True, None, 1)
    with pytest.raises(ValidationError, match="priority"):
        api.update_work_queue(made.id, priority=0)
    with pytest.raises(ValueError, match="work_pool_name is needed: a queue is one of a work pool"):
        api.create_work_queue("x")
    with pytest.raises(ValueError, match="work_pool_name is needed"):
        api.read_work_queue_by_name("x")
    api.delete_work_queue_by_id(made.id)
    with pytest.raises(ObjectNotFound):
        api.read_work_queue(made.id)


def test_logs(api: Any) -> None:
    run = uuid4()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = [
        {"name": "mine", "level": 20 + each, "message": f"line {each}", "timestamp": start + timedelta(seconds=each)}
        for each in range(1001)
    ]
    api.create_logs([LogCreate(flow_run_id=run, **lines[0]), *({**each, "flow_run_id": run} for each in lines[1:5])])

    def found(
        limit: int | None = None, offset: int | None = None, sort: Any = LogSort.TIMESTAMP_ASC, **parts: Any
    ) -> Any:
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]), **parts)
        return [each.message[-1] for each in api.read_logs(of_run, limit=limit, offset=offset, sort=sort)]

    assert found() == ["0", "1", "2", "3", "4"]
    assert found(sort=LogSort.TIMESTAMP_DESC, limit=2, offset=1) == ["3", "2"]
    assert found(level=LogFilterLevel(ge_=22, le_=23)) == ["2", "3"]
    assert found(timestamp=LogFilterTimestamp(after_=start + timedelta(seconds=3))) == ["3", "4"]
    assert found(text=LogFilterTextSearch(query='"line 1" "line 4"')) == ["1", "4"]
    assert found(text=LogFilterTextSearch(query='line -"line 1"')) == ["0", "2", "3", "4"]
    (line,) = api.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])), limit=1)
    assert (line.name, line.level, line.message, line.timestamp) == ("mine", 20, "line 0", start)
    assert (line.flow_run_id, line.task_run_id) == (run, None)
    with pytest.raises(ValidationError, match="message"):
        api.create_logs([{"name": "x", "level": 20, "timestamp": start}])
    api.create_logs([])


def test_more_logs_than_go_at_once(api: Any) -> None:
    run, now = uuid4(), datetime.now(UTC)
    api.create_logs(LogCreate(name="many", level=20, message="m", timestamp=now, flow_run_id=run) for _ in range(1500))
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
    assert len(api.read_logs(of_run)) == 200
    assert len(api.read_logs(of_run, limit=5000)) == 1500


def test_the_server(api: Any) -> None:
    assert api.api_healthcheck() is None
    assert api.hello().startswith(f"Antiphon {api.api_version()} at ")

"""Limits, and what has one of its own, in the writer's transactions. What waits is in rpc/test_limits.py."""

from typing import Any

import pytest

from antiphon_server.application.deployments import DeleteDeployment, UpdateDeployment
from antiphon_server.application.edits import Delete
from antiphon_server.application.limits import (
    CreateConcurrencyLimit,
    DeleteConcurrencyLimit,
    ResetConcurrencyLimit,
    UpdateConcurrencyLimit,
)
from antiphon_server.application.work_pools import (
    LAST_PRIORITY,
    CreateWorkPool,
    CreateWorkQueue,
    DeleteWorkPool,
    DeleteWorkQueue,
    UpdateWorkQueue,
)
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.states import PENDING, RUNNING
from antiphon_server.storage import tables
from writing import SECOND, TASK_RUN, Writing, new_deployment, new_id, propose


def pool(name: str = "p", limit: int | None = 1) -> CreateWorkPool:
    return CreateWorkPool({"name": name, "type": "process", "paused": False}, limit)


def queue(pool_id: str, name: str = "q", limit: int | None = 1, priority: int = 0) -> CreateWorkQueue:
    return CreateWorkQueue({"work_pool_id": pool_id, "name": name, "paused": False, "priority": priority}, limit)


def limit(name: str, slots: int = 1, decay: float = 0.0) -> CreateConcurrencyLimit:
    return CreateConcurrencyLimit(name, slots, True, decay)


def names(writing: Writing) -> set[str]:
    return {row.name for row in writing.rows(tables.concurrency_limits)}


def test_a_new_limit(writing: Writing) -> None:
    id = writing.do(limit("db", 3, 0.5))
    row = writing.row(tables.concurrency_limits)
    assert dict(row._mapping) == {
        "id": id,
        "name": "db",
        "slots": 3,
        "active": True,
        "slot_decay_per_second": 0.5,
        "average_occupancy": 2 * SECOND,
        "create_time": writing.now,
        "update_time": writing.now,
        "version": 1,
    }


def test_one_batch_sees_what_it_did(writing: Writing) -> None:
    run = writing.flow_run()
    writing.propose(run, RUNNING)
    task, other = (writing.task_run(run, tags=["x"]) for _ in range(2))
    made, again, first, second, renamed, third = writing.together(
        limit("tag:x"),
        limit("tag:x"),
        propose(task, RUNNING, TASK_RUN),
        propose(other, RUNNING, TASK_RUN),
        limit("tag:y"),
        propose(other, RUNNING, TASK_RUN),
    )
    assert isinstance(again, AntiphonError)
    assert again.reason == "CONCURRENCY_LIMIT_EXISTS"
    assert [verdict.kind.name for verdict in (first, second, third)] == ["ACCEPT", "WAIT", "WAIT"]
    assert {row.limit_id for row in writing.rows(tables.slots)} == {made}
    assert renamed != made
    raised, fourth = writing.together(UpdateConcurrencyLimit(made, "", {"slots": 2}), propose(other, RUNNING, TASK_RUN))
    assert (raised, fourth.kind.name) == (None, "ACCEPT")


def test_what_was_freed_counts_for_the_next_in_the_batch(writing: Writing) -> None:
    run = writing.flow_run()
    writing.propose(run, RUNNING)
    first, second = (writing.task_run(run, tags=["x"]) for _ in range(2))
    id = writing.do(limit("tag:x"))
    writing.propose(first, RUNNING, TASK_RUN)
    _, taken, _, free = writing.together(
        ResetConcurrencyLimit(id),
        propose(second, RUNNING, TASK_RUN),
        DeleteConcurrencyLimit(id, ""),
        limit("tag:x"),
    )
    assert taken.kind.name == "ACCEPT"
    assert writing.rows(tables.slots) == []
    assert writing.row(tables.concurrency_limits).id == free != id


def test_the_limit_of_a_deployment_comes_changes_and_goes_with_it(writing: Writing) -> None:
    id = writing.do(new_deployment())
    own = writing.row(tables.concurrency_limits)
    assert (own.name, own.slots, own.version) == (f"deployment:{id}", 1, 1)
    writing.do(UpdateDeployment(id, "1", {"concurrency_limit": 4, "paused": True}))
    assert (writing.row(tables.deployments).paused, writing.row(tables.deployments).version) == (True, 2)
    changed = writing.row(tables.concurrency_limits)
    assert (changed.id, changed.slots, changed.version) == (own.id, 4, 2)
    writing.do(UpdateDeployment(id, "2", {"paused": False}))
    assert writing.row(tables.concurrency_limits) == changed
    writing.do(UpdateDeployment(id, "3", {"concurrency_limit": None}))
    assert writing.rows(tables.concurrency_limits) == []
    writing.do(UpdateDeployment(id, "4", {"concurrency_limit": 0}))
    assert writing.row(tables.concurrency_limits).slots == 0
    writing.do(DeleteDeployment(id, "5"))
    assert writing.rows(tables.concurrency_limits) == writing.rows(tables.deployments) == []


def test_a_deployment_that_is_refused_registers_no_flow(writing: Writing) -> None:
    before = writing.everything()
    with pytest.raises(AntiphonError) as refused:
        writing.do(new_deployment(work_queue_id=new_id()))
    assert refused.value.reason == "WORK_QUEUE_NOT_FOUND"
    assert writing.everything() == before


def test_one_name_for_each_flow(writing: Writing) -> None:
    first = writing.do(new_deployment())
    other = new_deployment(limit=None, flow_name="another flow")
    assert writing.do(other) != first
    again, second = writing.together(new_deployment(), new_deployment("e"))
    assert isinstance(again, AntiphonError)
    writing.do(UpdateDeployment(first, "", {"name": "d"}))
    with pytest.raises(AntiphonError) as refused:
        writing.do(UpdateDeployment(second, "", {"name": "d"}))
    assert again.reason == refused.value.reason == "DEPLOYMENT_EXISTS"


def test_a_flow_takes_its_deployments_along(writing: Writing) -> None:
    writing.together(new_deployment("a"), new_deployment("b"), new_deployment(flow_name="another flow"))
    kept = next(row for row in writing.rows(tables.flows) if row.name == "another flow").id
    run = writing.flow_run(deployment_id=writing.rows(tables.deployments, name="a")[0].id)
    writing.propose(run, PENDING)
    assert len(writing.rows(tables.slots)) == 1
    writing.do(Delete("flow", writing.row(tables.flows, name="flow").id, ""))
    (left,) = writing.rows(tables.deployments)
    assert left.flow_id == kept
    assert names(writing) == {f"deployment:{left.id}"}
    assert writing.rows(tables.slots) == []


def test_a_pool_takes_its_queues_along_and_deployments_lose_them(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon_server.storage.statements.MAX_KEYS", 2)
    gone, stays = writing.together(pool("gone"), pool("stays"))
    queues = writing.together(*(queue(gone, f"q{i}") for i in range(5)))
    other = writing.do(queue(stays))
    writing.do(new_deployment("a", None, work_queue_id=queues[3]))
    writing.do(new_deployment("b", None, work_queue_id=other))
    writing.do(DeleteWorkPool(gone, "1"))
    assert [row.id for row in writing.rows(tables.work_pools)] == [stays]
    assert {row.work_pool_id for row in writing.rows(tables.work_queues)} == {stays}
    assert names(writing) == {f"work-pool:{stays}", f"work-queue:{other}"}
    found = {row.name: (row.work_queue_id, row.version) for row in writing.rows(tables.deployments)}
    assert found == {"a": (None, 2), "b": (other, 1)}


def test_a_queue_that_goes_leaves_its_pool(writing: Writing) -> None:
    pool_id = writing.do(pool())
    id = writing.do(queue(pool_id))
    writing.do(DeleteWorkQueue(id, ""))
    assert [row.name for row in writing.rows(tables.work_queues)] == ["default"]
    assert names(writing) == {f"work-pool:{pool_id}"}


def test_a_queue_without_a_priority_goes_behind_all_others_of_its_pool(writing: Writing) -> None:
    first, second = writing.together(pool("first"), pool("second"))
    ids = writing.together(
        queue(first, "a"), queue(first, "b", priority=7), queue(first, "c"), queue(first, "d", priority=7)
    )
    writing.do(queue(second, "a"))
    found = {row.name: row.priority for row in writing.rows(tables.work_queues, work_pool_id=first)}
    assert found == {"default": 1, "a": 2, "b": 7, "c": 8, "d": 7}
    assert writing.row(tables.work_queues, work_pool_id=second, name="a").priority == 2
    writing.do(UpdateWorkQueue(ids[2], "", {"priority": 0}))
    assert writing.row(tables.work_queues, id=ids[2]).priority == 8
    writing.do(UpdateWorkQueue(ids[0], "", {"priority": 0}))
    assert writing.row(tables.work_queues, id=ids[0]).priority == 9
    writing.do(UpdateWorkQueue(ids[1], "", {"priority": LAST_PRIORITY}))
    assert writing.row(tables.work_queues, id=writing.do(queue(first, "e"))).priority == LAST_PRIORITY


@pytest.mark.parametrize("make", [new_deployment, pool, lambda: limit("x")])
def test_of_two_with_one_name_in_a_batch_the_second_is_refused(writing: Writing, make: Any) -> None:
    made, again = writing.together(make(), make())
    assert not isinstance(made, AntiphonError)
    assert isinstance(again, AntiphonError)
    assert again.reason.endswith("_EXISTS")

"""Work pools and their queues: made, changed and deleted, each with its own concurrency limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from antiphon_server.application import limits, rows
from antiphon_server.application.pool_members import note_deployments, note_renamed_pool, note_workers
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AlreadyExists
from antiphon_server.domain.work_pools import DEFAULT_QUEUE
from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

POOL, QUEUE = "work pool", "work queue"
#: The last place among the queues of a pool; the contract's int32 ends there.
LAST_PRIORITY = 2**31 - 1
_DEFAULT_QUEUE = {"name": DEFAULT_QUEUE, "description": "", "paused": False, "priority": 1}


@dataclass(slots=True)
class CreateWorkPool:
    """A pool by a name that is not taken, with its first queue. `values` are columns. The answer is its id."""

    values: dict[str, Any]
    concurrency_limit: int | None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        _check_pool_name(working_set, self.values["name"])
        id = rows.add(working_set, tables.work_pools, self.values)
        if self.concurrency_limit is not None:
            limits.set_own(working_set, limit_names.of_work_pool(id), self.concurrency_limit)
        rows.add(working_set, tables.work_queues, {**_DEFAULT_QUEUE, "work_pool_id": id})
        return id


@dataclass(slots=True)
class UpdateWorkPool:
    """Sets columns of one pool, and its limit where `values` has `concurrency_limit`."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.work_pools, POOL, self.id, self.etag)
        name = self.values.get("name", row.name)
        if name != row.name:
            _check_pool_name(working_set, name)
        limits.change_owner(working_set, tables.work_pools, row, self.values, limit_names.of_work_pool(row.id))
        if name != row.name:
            note_renamed_pool(working_set, row.id)
        working_set.changes.room_for_work = True


@dataclass(slots=True)
class DeleteWorkPool:
    """Deletes one pool with its queues and all their limits."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.work_pools, POOL, self.id, self.etag)
        queues = tables.work_queues
        found = select(queues.c.id).where(queues.c.work_pool_id == row.id)
        ids = list(working_set.connection.execute(found).scalars())
        working_set.connection.execute(tables.work_pools.delete().where(tables.work_pools.c.id == row.id))
        note_workers(working_set, row.id)
        working_set.connection.execute(tables.workers.delete().where(tables.workers.c.work_pool_id == row.id))
        _delete_queues(working_set, ids, limit_names.of_work_pool(row.id))


@dataclass(slots=True)
class CreateWorkQueue:
    """A queue by a name that its pool has none of. `values` are columns; a priority of 0 takes the last place. The
    answer is its id."""

    values: dict[str, Any]
    concurrency_limit: int | None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        pool_id = self.values["work_pool_id"]
        rows.find(working_set, tables.work_pools, POOL, pool_id, why="it cannot hold this work queue")
        _check_queue_name(working_set, pool_id, self.values["name"])
        priority = self.values["priority"] or _behind_all(working_set, pool_id)
        id = rows.add(working_set, tables.work_queues, {**self.values, "priority": priority})
        if self.concurrency_limit is not None:
            limits.set_own(working_set, limit_names.of_work_queue(id), self.concurrency_limit)
        working_set.changes.room_for_work = True
        return id


@dataclass(slots=True)
class UpdateWorkQueue:
    """Sets columns of one queue, and its limit where `values` has `concurrency_limit`."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.work_queues, QUEUE, self.id, self.etag)
        name, values = self.values.get("name", row.name), self.values
        if name != row.name:
            _check_queue_name(working_set, row.work_pool_id, name)
        if values.get("priority") == 0:
            values = {**values, "priority": _behind_all(working_set, row.work_pool_id, but=row.id)}
        limits.change_owner(working_set, tables.work_queues, row, values, limit_names.of_work_queue(row.id))
        if name != row.name:
            note_deployments(working_set, [row.id])
        working_set.changes.room_for_work = True


@dataclass(slots=True)
class DeleteWorkQueue:
    """Deletes one queue with its limit."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.work_queues, QUEUE, self.id, self.etag)
        _delete_queues(working_set, [row.id])


def _delete_queues(working_set: WorkingSet, ids: Sequence[str], *limits_beside: str) -> None:
    """Deletes queues and their limits, and those whose names are given beside."""
    queues = tables.work_queues
    for some in chunks(ids):
        working_set.connection.execute(queues.delete().where(queues.c.id.in_(some)))
    _leave(working_set, ids)
    working_set.surroundings.forget()
    limits.drop_own(working_set, [*map(limit_names.of_work_queue, ids), *limits_beside])


def _leave(working_set: WorkingSet, queue_ids: Sequence[str]) -> None:
    """Takes queues that go away out of the deployments that name them."""
    note_deployments(working_set, queue_ids)
    deployments = tables.deployments
    for some in chunks(queue_ids):
        working_set.connection.execute(
            deployments.update()
            .where(deployments.c.work_queue_id.in_(some))
            .values(work_queue_id=None, update_time=working_set.now, version=deployments.c.version + 1)
        )


def _check_pool_name(working_set: WorkingSet, name: str) -> None:
    if rows.exists(working_set, tables.work_pools, name=name):
        raise AlreadyExists(
            "WORK_POOL_EXISTS", f"there is a work pool {name!r} already; update it, or choose another name"
        )


def _check_queue_name(working_set: WorkingSet, pool_id: str, name: str) -> None:
    if rows.exists(working_set, tables.work_queues, work_pool_id=pool_id, name=name):
        raise AlreadyExists(
            "WORK_QUEUE_EXISTS", f"the pool has a work queue {name!r} already; update it, or choose another name"
        )


def _behind_all(working_set: WorkingSet, pool_id: str, but: str = "") -> int:
    """The priority behind all queues of a pool, except one that is to be moved."""
    queues = tables.work_queues
    query = select(func.max(queues.c.priority)).where(queues.c.work_pool_id == pool_id, queues.c.id != but)
    last: int | None = working_set.connection.execute(query).scalar_one()
    return min((last or 0) + 1, LAST_PRIORITY)

"""Deployments: made, changed and deleted, each with its own concurrency limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import limits, rows
from antiphon_server.application.creation import find_or_add_flow
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AlreadyExists
from antiphon_server.storage import tables
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "deployment"


@dataclass(slots=True)
class CreateDeployment:
    """A deployment, and its flow where the name is new. `values` are columns. The answer is its id."""

    flow_id: str
    flow_name: str
    values: dict[str, Any]
    concurrency_limit: int | None

    def needs(self, needs: Needs) -> None:
        if not self.flow_id:
            needs.flow_names.add(self.flow_name)

    def apply(self, working_set: WorkingSet) -> str:
        _check_queue(working_set, self.values)
        flow_id, _ = find_or_add_flow(working_set, self.flow_id, self.flow_name)
        # Of a flow that is new no deployment has the name, so nothing is refused once it is there.
        _check_name(working_set, flow_id, self.values["name"])
        id = rows.add(working_set, tables.deployments, {**self.values, "flow_id": flow_id})
        if self.concurrency_limit is not None:
            limits.set_own(working_set, limit_names.of_deployment(id), self.concurrency_limit)
        return id


@dataclass(slots=True)
class UpdateDeployment:
    """Sets columns of one deployment, and its limit where `values` has `concurrency_limit`."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.deployments, NOUN, self.id, self.etag)
        _check_queue(working_set, self.values)
        if self.values.get("name", row.name) != row.name:
            _check_name(working_set, row.flow_id, self.values["name"])
        limits.change_owner(working_set, tables.deployments, row, self.values, limit_names.of_deployment(row.id))


@dataclass(slots=True)
class DeleteDeployment:
    """Deletes one deployment with its limit; its runs stay."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.deployments, NOUN, self.id, self.etag)
        _delete(working_set, [row.id])


def delete_deployments_of(working_set: WorkingSet, flow_id: str) -> None:
    """Deletes all deployments of a flow."""
    deployments = tables.deployments
    found = select(deployments.c.id).where(deployments.c.flow_id == flow_id)
    _delete(working_set, list(working_set.connection.execute(found).scalars()))


def leave_queues(working_set: WorkingSet, queue_ids: Sequence[str]) -> None:
    """Takes work queues that go away out of the deployments that name them."""
    deployments = tables.deployments
    for some in chunks(queue_ids):
        working_set.connection.execute(
            deployments.update()
            .where(deployments.c.work_queue_id.in_(some))
            .values(work_queue_id=None, update_time=working_set.now, version=deployments.c.version + 1)
        )


def _delete(working_set: WorkingSet, ids: Sequence[str]) -> None:
    deployments = tables.deployments
    for some in chunks(ids):
        working_set.connection.execute(deployments.delete().where(deployments.c.id.in_(some)))
    working_set.surroundings.forget()
    limits.drop_own(working_set, [limit_names.of_deployment(id) for id in ids])


def _check_name(working_set: WorkingSet, flow_id: str, name: str) -> None:
    """Raises AlreadyExists where a deployment of the flow has the name."""
    if rows.exists(working_set, tables.deployments, flow_id=flow_id, name=name):
        raise AlreadyExists(
            "DEPLOYMENT_EXISTS",
            f"the flow has a deployment {name!r} already; update it, or choose another name",
        )


def _check_queue(working_set: WorkingSet, values: dict[str, Any]) -> None:
    """Raises NotFound for a work queue that is not there."""
    queue = values.get("work_queue_id")
    if queue is not None:
        rows.find(working_set, tables.work_queues, "work queue", queue, why="no deployment can use it")

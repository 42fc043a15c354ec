"""Deployments: made, changed, rolled back and deleted, each with its own concurrency limit and its schedules."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import deployment_versions, limits, rows
from antiphon_server.application.creation import find_or_add_flow
from antiphon_server.application.deployment_deletion import delete_deployments, schedules_of
from antiphon_server.application.job_variables import JobVariables, claims_of
from antiphon_server.application.parameter_claims import Checkable, Claim, demand, of_deployment
from antiphon_server.application.planning import replan
from antiphon_server.application.schedules import check_calendars, set_schedules
from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AlreadyExists, NotFound
from antiphon_server.domain.work_pools import DEFAULT_QUEUE
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import schedules
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "deployment"


@dataclass(slots=True)
class CreateDeployment:
    """A deployment, and its flow where the name is new. `values` are columns of it and its first version, and may have
    `concurrency_limit`, `schedules` and `work_queue`: names of a pool and a queue. The answer is its id. Raises
    Unchecked, as all below do, for parameters that nobody has compared with the schema."""

    flow_id: str
    flow_name: str
    values: dict[str, Any]
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None:
        if not self.flow_id:
            needs.flow_names.add(self.flow_name)

    def apply(self, working_set: WorkingSet) -> str:
        return self.add(working_set, _with_queue(working_set, self.values))

    def add(self, working_set: WorkingSet, values: dict[str, Any]) -> str:
        demand(
            self.checked,
            [
                *of_deployment(values, (row["parameters"] for row in values["schedules"])),
                *_job_claims(working_set, values.get("work_queue_id"), values.get("job_variables", "")),
            ],
        )
        check_calendars(working_set, values["schedules"])
        flow_id, _ = find_or_add_flow(working_set, self.flow_id, self.flow_name)
        # Of a flow that is new no deployment has the name, so nothing is refused once it is there.
        _check_name(working_set, flow_id, values["name"])
        own, content = deployment_versions.split(values)
        limit, wanted = own.pop("concurrency_limit"), own.pop("schedules")
        id = rows.add(working_set, tables.deployments, {**own, "flow_id": flow_id})
        deployment_versions.first(working_set, id, content)
        if limit is not None:
            limits.set_own(working_set, limit_names.of_deployment(id), limit)
        replan(working_set, set_schedules(working_set, id, wanted))
        working_set.changes.deployments[id] = None
        return id


@dataclass(slots=True)
class UpdateDeployment:
    """Sets what `values` has, as in CreateDeployment."""

    id: str
    etag: str
    values: dict[str, Any]
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.deployments, NOUN, self.id, self.etag)
        _update(working_set, row, _with_queue(working_set, self.values), self.checked)


@dataclass(slots=True)
class ApplyDeployment:
    """Creates a deployment or, where the flow has one of this name, sets what `changes` has. The answer is its id and
    whether it is new."""

    creation: CreateDeployment
    changes: dict[str, Any]
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None:
        self.creation.needs(needs)

    def apply(self, working_set: WorkingSet) -> tuple[str, bool]:
        flow_id = self.creation.flow_id or working_set.flow_ids.get(self.creation.flow_name, "")
        deployments = tables.deployments
        working_set.flush()
        name = self.creation.values["name"]
        found = deployments.select().where(deployments.c.flow_id == flow_id, deployments.c.name == name)
        row = working_set.connection.execute(found).one_or_none()
        if row is None:
            self.creation.checked = self.checked
            return self.creation.apply(working_set), True
        _update(working_set, row, _with_queue(working_set, self.changes), self.checked)
        return row.id, False


@dataclass(slots=True)
class RollBackDeployment:
    """Makes a deployment what it was in a version; 0 is the one before the current one."""

    id: str
    etag: str
    number: int
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.deployments, NOUN, self.id, self.etag)
        _update(working_set, row, deployment_versions.of_number(working_set, row, self.number), self.checked)


@dataclass(slots=True)
class DeleteDeployment:
    """Deletes one deployment with its limit and its schedules; its runs stay."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, tables.deployments, NOUN, self.id, self.etag)
        delete_deployments(working_set, [row.id])


def _update(working_set: WorkingSet, row: Any, values: dict[str, Any], checked: Collection[Checkable]) -> None:
    """Changes a deployment, a row that was found; what its schedules have planned is planned anew where it would be
    made with other things now."""
    demand(checked, [*_claims(working_set, row, values), *_changed_job_claims(working_set, row, values)])
    if values.get("name", row.name) != row.name:
        _check_name(working_set, row.flow_id, values["name"])
    check_calendars(working_set, values.get("schedules", ()))
    own, content = deployment_versions.split(values)
    wanted = own.pop("schedules", None)
    own |= deployment_versions.change(working_set, row, content) if content else {}
    limits.change_owner(working_set, tables.deployments, row, own, limit_names.of_deployment(row.id))
    stale = set_schedules(working_set, row.id, wanted) if wanted is not None else []
    made_with = ("version_number", "work_queue_id", "paused")
    if any(name in own and own[name] != getattr(row, name) for name in made_with):
        stale = schedules_of(working_set, [row.id])
    working_set.changes.room_for_work = True
    working_set.changes.deployments[row.id] = None
    replan(working_set, stale)


def _claims(working_set: WorkingSet, row: Any, values: dict[str, Any]) -> list[Claim]:
    """Of a deployment, a row, that is changed to `values`, and of its schedules."""
    if values.keys().isdisjoint(("parameters", "parameter_schema", "enforce_parameter_schema", "schedules")):
        return []
    content = {**deployment_versions.current(working_set, row), **values}
    if "schedules" in values:
        return of_deployment(content, (each["parameters"] for each in values["schedules"]))
    query = select(schedules.c.parameters).where(schedules.c.deployment_id == row.id)
    there = working_set.connection.execute(query.order_by(schedules.c.create_time, schedules.c.id))
    return of_deployment(content, there.scalars().all())


def _job_claims(working_set: WorkingSet, work_queue_id: str | None, text: str) -> list[JobVariables]:
    return claims_of(working_set, work_queue_id, text, field="deployment.job_variables", complete=False)


def _changed_job_claims(working_set: WorkingSet, row: Any, values: dict[str, Any]) -> list[JobVariables]:
    if values.keys().isdisjoint(("job_variables", "work_queue_id")):
        return []
    text = values.get("job_variables", deployment_versions.current(working_set, row)["job_variables"])
    return _job_claims(working_set, values.get("work_queue_id", row.work_queue_id), text)


def _check_name(working_set: WorkingSet, flow_id: str, name: str) -> None:
    """Raises AlreadyExists where a deployment of the flow has the name."""
    if rows.exists(working_set, tables.deployments, flow_id=flow_id, name=name):
        raise AlreadyExists(
            "DEPLOYMENT_EXISTS",
            f"the flow has a deployment {name!r} already; update it, or choose another name",
        )


def _with_queue(working_set: WorkingSet, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the id of the work queue where that is said by names, which count for nothing beside an id.
    Raises NotFound for one that is not there."""
    rest = {name: value for name, value in values.items() if name != "work_queue"}
    id = values.get("work_queue_id")
    if id is not None:
        rows.find(working_set, tables.work_queues, "work queue", id, why="no deployment can use it")
    elif "work_queue" in values:
        return {**rest, "work_queue_id": _queue_named(working_set, *values["work_queue"])}
    return rest


def _queue_named(working_set: WorkingSet, pool_name: str, queue_name: str) -> str:
    """The queue with this name in a pool; without a name the one that the pool was made with or, where that is gone,
    the one that is served first."""
    working_set.flush()
    pools, queues = tables.work_pools, tables.work_queues
    pool = working_set.connection.execute(pools.select().where(pools.c.name == pool_name)).one_or_none()
    if pool is None:
        raise NotFound(
            "WORK_POOL_NOT_FOUND",
            f"there is no work pool {pool_name!r}; make it first: antiphon work-pool create {pool_name!r}",
        )
    query = queues.select().where(queues.c.work_pool_id == pool.id)
    query = query.order_by(queues.c.name != DEFAULT_QUEUE, queues.c.priority, queues.c.create_time)
    if queue_name:
        query = query.where(queues.c.name == queue_name)
    found = working_set.connection.execute(query.limit(1)).one_or_none()
    if found is None:
        wanted = f"no work queue {queue_name!r}" if queue_name else "no work queue"
        raise NotFound("WORK_QUEUE_NOT_FOUND", f"work pool {pool_name!r} has {wanted}; make it by CreateWorkQueue")
    return str(found.id)

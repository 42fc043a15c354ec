"""Creating flows and runs."""

import json
from dataclasses import dataclass, field
from typing import Any

from uuid_utils import uuid7

from antiphon_server.domain.errors import AlreadyExists, not_found
from antiphon_server.domain.model import RetryPolicy, Run, RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.records import encode_retry_policy
from antiphon_server.storage.working_set import Needs, WorkingSet

OTHER_KIND = {RunKind.FLOW_RUN: RunKind.TASK_RUN, RunKind.TASK_RUN: RunKind.FLOW_RUN}


@dataclass(slots=True)
class NewRun:
    """What both families of runs are created with. `digest` tells a replay from a clash of ids."""

    id: str
    name: str
    tags: list[str]
    retry_policy: RetryPolicy | None
    priority: int
    digest: bytes
    #: The session that creates the run and so holds it; None for a unary caller.
    session_id: str | None
    #: The trace that it is part of; empty for none.
    traceparent: str = ""


def _fixed(new: NewRun, now: int) -> dict[str, Any]:
    return {
        "name": new.name,
        "tags": json.dumps(new.tags) if new.tags else "[]",
        "retry_policy": encode_retry_policy(new.retry_policy),
        "priority": new.priority,
        "create_time": now,
        "traceparent": new.traceparent or None,
    }


def _run(new: NewRun, kind: RunKind, now: int) -> Run:
    return Run(
        id=new.id,
        kind=kind,
        session_id=new.session_id,
        update_time=now,
        version=1,
        create_digest=new.digest,
        retry_policy=new.retry_policy,
        priority=new.priority,
        tags=tuple(new.tags),
    )


def _is_replay(working_set: WorkingSet, new: NewRun, kind: RunKind) -> bool:
    """Whether this very run is there already; raises AlreadyExists where another one, of either kind, has its id."""
    run = working_set.run(kind, new.id)
    if run is not None and run.create_digest == new.digest:
        return True
    # States are found by the id of their run alone, so no two runs may share one.
    other = run or working_set.run(OTHER_KIND[kind], new.id)
    if other is not None:
        raise AlreadyExists(
            f"{other.kind.name}_EXISTS",
            f"there is a {other.kind.noun} {new.id} already and it is another one; make a new id (UUIDv7)",
        )
    return False


def _needs_of(new: NewRun, needs: Needs) -> None:
    needs.flow_runs.add(new.id)
    needs.task_runs.add(new.id)


@dataclass(slots=True)
class CreateFlowRun:
    """Registers a flow run, and its flow where the name is new. The answer is the run's id: that of the run which has
    the idempotency key where there is one, which a session learns by an error."""

    new: NewRun
    flow_id: str
    flow_name: str
    flow_version: str
    #: A serialized payload.
    parameters: bytes | None
    idempotency_key: str | None
    parent_task_run_id: str | None
    deployment_id: str | None
    work_queue_id: str | None
    infrastructure_pid: str
    auto_scheduled: bool
    #: Of what a deployment, a schedule or an operation makes.
    schedule_id: str | None = None
    operation_id: str | None = None
    deployment_version: int | None = None
    job_variables: str | None = None
    #: JSON, see antiphon.v1.WorkerAffinity; empty for none.
    worker_affinity: str = ""

    def needs(self, needs: Needs) -> None:
        _needs_of(self.new, needs)
        if self.flow_name:
            needs.flow_names.add(self.flow_name)
        if self.parent_task_run_id is not None:
            needs.task_runs.add(self.parent_task_run_id)

    def apply(self, working_set: WorkingSet) -> str:
        if _is_replay(working_set, self.new, RunKind.FLOW_RUN):
            return self.new.id
        parent = self.parent_task_run_id
        if parent is not None and working_set.run(RunKind.TASK_RUN, parent) is None:
            raise not_found(RunKind.TASK_RUN.noun, parent, "it cannot be the parent of this run")
        flow_id, flow_name = find_or_add_flow(working_set, self.flow_id, self.flow_name)
        if self.idempotency_key is not None:
            used = run_with_key(working_set, flow_id, self.idempotency_key)
            if used is not None and self.new.session_id is not None:
                # A frame has no answer but its Ack, so the session would go on with an id that names nothing.
                raise AlreadyExists(
                    "IDEMPOTENCY_KEY_USED",
                    f"flow run {used} has this idempotency key already, so {self.new.id} was not created; go on with "
                    "that run, or give another key",
                    metadata={"flow_run_id": used},
                )
            if used is not None:
                return used
        self.add(working_set, flow_id, flow_name)
        return self.new.id

    def add(self, working_set: WorkingSet, flow_id: str, flow_name: str) -> None:
        """Adds the run, of which all was looked at."""
        parent = self.parent_task_run_id
        run = _run(self.new, RunKind.FLOW_RUN, working_set.now)
        run.parent_task_run_id = parent
        run.deployment_id, run.work_queue_id = self.deployment_id, self._queue(working_set)
        run.infrastructure_pid, run.auto_scheduled = self.infrastructure_pid, self.auto_scheduled
        run.schedule_id = self.schedule_id
        fixed = _fixed(self.new, working_set.now)
        fixed["name"] = fixed["name"] or f"{flow_name}-{self.new.id[-6:]}"
        fixed.update(
            flow_id=flow_id,
            flow_version=self.flow_version,
            parameters=self.parameters,
            idempotency_key=self.idempotency_key,
            parent_task_run_id=parent,
            deployment_id=run.deployment_id,
            work_queue_id=run.work_queue_id,
            auto_scheduled=run.auto_scheduled,
            schedule_id=self.schedule_id,
            operation_id=self.operation_id,
            deployment_version=self.deployment_version,
            job_variables=self.job_variables,
            queue_key=run.work_queue_id or run.deployment_id,
            worker_affinity=self.worker_affinity,
        )
        working_set.add_run(run, fixed)

    def _queue(self, working_set: WorkingSet) -> str | None:
        """The work queue that was asked for, or the deployment's. Raises NotFound for one that is not there."""
        surroundings, queue = working_set.surroundings, self.work_queue_id
        if self.deployment_id is not None:
            deployment = surroundings.deployment(self.deployment_id)
            if deployment is None:
                raise not_found("deployment", self.deployment_id, "leave it out to run the flow without one")
            queue = queue or deployment.work_queue_id
        if self.work_queue_id is not None and surroundings.queue(self.work_queue_id) is None:
            raise not_found("work queue", self.work_queue_id, "leave it out to take the deployment's")
        return queue


@dataclass(slots=True)
class CreateTaskRun:
    """Registers a task run. The answer is the run's id."""

    new: NewRun
    flow_run_id: str | None
    task_key: str
    dynamic_key: str
    task_version: str
    upstream_task_run_ids: list[str]
    #: A serialized payload.
    parameters: bytes | None = None

    def needs(self, needs: Needs) -> None:
        _needs_of(self.new, needs)
        if self.flow_run_id is not None:
            needs.flow_runs.add(self.flow_run_id)

    def apply(self, working_set: WorkingSet) -> str:
        if _is_replay(working_set, self.new, RunKind.TASK_RUN):
            return self.new.id
        if self.flow_run_id is not None and working_set.run(RunKind.FLOW_RUN, self.flow_run_id) is None:
            raise not_found(RunKind.FLOW_RUN.noun, self.flow_run_id, "it cannot hold this task run")
        run = _run(self.new, RunKind.TASK_RUN, working_set.now)
        run.flow_run_id, run.task_key = self.flow_run_id, self.task_key
        fixed = _fixed(self.new, working_set.now)
        fixed["name"] = fixed["name"] or "-".join(filter(None, (self.task_key, self.dynamic_key)))
        fixed.update(
            flow_run_id=self.flow_run_id,
            task_key=self.task_key,
            dynamic_key=self.dynamic_key,
            task_version=self.task_version,
            upstream_task_run_ids=json.dumps(self.upstream_task_run_ids) if self.upstream_task_run_ids else "[]",
            parameters=self.parameters,
        )
        working_set.add_run(run, fixed)
        return self.new.id


@dataclass(slots=True)
class CreateFlow:
    """Registers a flow by a name that is not taken. The answer is its id."""

    name: str
    tags: list[str] = field(default_factory=list)

    def needs(self, needs: Needs) -> None:
        needs.flow_names.add(self.name)

    def apply(self, working_set: WorkingSet) -> str:
        if self.name in working_set.flow_ids:
            raise AlreadyExists(
                "FLOW_EXISTS", f"there is a flow {self.name!r} already; update it, or choose another name"
            )
        return add_flow(working_set, self.name, self.tags)


def run_with_key(working_set: WorkingSet, flow_id: str, key: str) -> str | None:
    """The id of the run of a flow that has an idempotency key."""
    working_set.flush()
    runs = tables.flow_runs
    found: str | None = working_set.connection.execute(
        runs.select().with_only_columns(runs.c.id).where(runs.c.flow_id == flow_id, runs.c.idempotency_key == key)
    ).scalar_one_or_none()
    return found


def find_or_add_flow(working_set: WorkingSet, flow_id: str, flow_name: str) -> tuple[str, str]:
    """Id and name of the flow with this id or, where that is empty, with this name, which must have been among the
    needs; a new name registers a flow. Raises NotFound for an unknown id."""
    if flow_id:
        flows = tables.flows
        working_set.flush()
        found = working_set.connection.execute(flows.select().where(flows.c.id == flow_id)).one_or_none()
        if found is None:
            raise not_found("flow", flow_id, "give a flow_name to register one")
        return found.id, found.name
    known = working_set.flow_ids.get(flow_name)
    if known is not None:
        return known, flow_name
    return add_flow(working_set, flow_name, []), flow_name


def add_flow(working_set: WorkingSet, name: str, tags: list[str]) -> str:
    flow_id = str(uuid7())
    now = working_set.now
    row = {"id": flow_id, "name": name, "tags": json.dumps(tags), "create_time": now, "update_time": now, "version": 1}
    working_set.add_flow(row)
    return flow_id

"""Runs of deployments, SCHEDULED for a worker to take."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from uuid_utils import uuid7

from antiphon_server.application import deployment_versions, job_variables, parameter_claims, transitions
from antiphon_server.application.arguments import merged, merged_objects
from antiphon_server.application.creation import CreateFlowRun, NewRun, run_with_key
from antiphon_server.application.parameter_claims import Checkable, demand
from antiphon_server.application.proposals import digest_of
from antiphon_server.domain.errors import not_found
from antiphon_server.domain.model import Proposal, RunKind, State, StateDetails
from antiphon_server.domain.states import DEFAULT_NAMES, SCHEDULED
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class RunOf:
    """What a run of a deployment has that the deployment does not say."""

    scheduled_time: int
    id: str = field(default_factory=lambda: str(uuid7()))
    name: str = ""
    tags: tuple[str, ...] = ()
    #: A serialized payload: a JSON object.
    parameters: bytes | None = None
    #: A JSON object as text; empty for none.
    job_variables: str = ""
    idempotency_key: str | None = None
    priority: int = 0
    parent_task_run_id: str | None = None
    work_queue_id: str | None = None
    schedule_id: str | None = None
    operation_id: str | None = None
    digest: bytes = b""
    #: The trace of who asks for it; empty for none.
    traceparent: str = ""


@dataclass(slots=True)
class RunDeployment:
    """A run that somebody asks for. The answer is its id and whether it is new: it is not where a run has its
    idempotency key. Raises Unchecked for parameters that nobody has compared with the deployment's schema."""

    #: Empty where it is meant by names.
    deployment_id: str
    run: RunOf
    #: A queue of the deployment's pool; empty takes the deployment's.
    work_queue_name: str = ""
    name: str = ""
    flow_name: str = ""
    checked: Collection[Checkable] = ()

    def needs(self, needs: Needs) -> None:
        needs.flow_runs.add(self.run.id)
        needs.task_runs.add(self.run.id)
        if self.run.parent_task_run_id is not None:
            needs.task_runs.add(self.run.parent_task_run_id)

    def apply(self, working_set: WorkingSet) -> tuple[str, bool]:
        known = working_set.run(RunKind.FLOW_RUN, self.run.id) is not None
        deployment = deployment_versions.find(working_set, self.deployment_id, name=self.name, flow_name=self.flow_name)
        if self.work_queue_name:
            self.run.work_queue_id = _queue_beside(working_set, deployment, self.work_queue_name)
        key = self.run.idempotency_key
        if not known and (key is None or run_with_key(working_set, deployment.flow_id, key) is None):
            demand(self.checked, self._claims(working_set, deployment))
        id = create(working_set, deployment, self.run)
        return id, id == self.run.id and not known

    def _claims(self, working_set: WorkingSet, deployment: Any) -> list[Checkable]:
        queue = self.run.work_queue_id or deployment.work_queue_id
        # The deployment's own were looked at when it was made; the worker looks at all of them again.
        own = (deployment.job_variables, self.run.job_variables) if self.run.job_variables else ()
        return [
            *parameter_claims.of_run(deployment, self.run.parameters),
            *job_variables.claims_of(working_set, queue, *own, field="job_variables", complete=True),
        ]


def create(working_set: WorkingSet, deployment: Any, run: RunOf) -> str:
    """Creates the run and schedules it; gives its id, or that of the run which has its idempotency key. `deployment` is
    a row with content, see `deployment_versions.find`."""
    creation = creation_of(deployment, run)
    id = creation.apply(working_set)
    created = working_set.run(RunKind.FLOW_RUN, run.id)
    if id == run.id and created is not None and created.state_id is None:
        schedule(working_set, run)
    return id


def creation_of(deployment: Any, run: RunOf) -> CreateFlowRun:
    tags = [*dict.fromkeys((*json.loads(deployment.tags), *run.tags))]
    digest = run.digest or digest_of(f"{run.idempotency_key} {run.id}".encode())
    return CreateFlowRun(
        NewRun(run.id, run.name, tags, None, run.priority, digest, None, run.traceparent),
        deployment.flow_id,
        "",
        deployment.version_name,
        merged(deployment.parameters, run.parameters),
        run.idempotency_key,
        run.parent_task_run_id,
        deployment.id,
        run.work_queue_id or deployment.work_queue_id,
        "",
        auto_scheduled=run.schedule_id is not None or run.operation_id is not None,
        schedule_id=run.schedule_id,
        operation_id=run.operation_id,
        deployment_version=deployment.version_number,
        job_variables=merged_objects(deployment.job_variables, run.job_variables),
        worker_affinity=deployment.worker_affinity,
    )


def schedule(working_set: WorkingSet, run: RunOf) -> None:
    """Gives a new run its first state."""
    state = State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], "", StateDetails(scheduled_time=run.scheduled_time))
    transitions.propose(working_set, Proposal(str(uuid7()), RunKind.FLOW_RUN, run.id, state))


def _queue_beside(working_set: WorkingSet, deployment: Any, name: str) -> str:
    """The queue of this name in the pool of the deployment's queue. Raises NotFound."""
    own = working_set.surroundings.queue(deployment.work_queue_id) if deployment.work_queue_id else None
    if own is not None:
        queues = tables.work_queues.c
        query = tables.work_queues.select().where(queues.work_pool_id == own.pool_id, queues.name == name)
        found = working_set.connection.execute(query).one_or_none()
        if found is not None:
            return str(found.id)
    raise not_found("work queue", name, f"deployment {deployment.name!r} has no pool with such a queue")

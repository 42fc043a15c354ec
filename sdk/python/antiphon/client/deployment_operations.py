"""Deployments and their runs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from antiphon.client import listings
from antiphon.client.arguments import refuse
from antiphon.client.conversions.runs import flow_run_from
from antiphon.client.conversions.schedules import schedule_proto
from antiphon.client.conversions.values import uuid_text
from antiphon.client.conversions.work import deployment_from, strategy_number
from antiphon.client.filter_texts import all_of, equals
from antiphon.client.flow_run_operations import get_flow_run
from antiphon.client.operation import ClientBase, operation
from antiphon.client.proposing import propose_flow_run_state
from antiphon.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from antiphon.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from antiphon.client.schemas.objects import ConcurrencyOptions, FlowRun
from antiphon.client.schemas.responses import DeploymentResponse
from antiphon.client.schemas.sorting import DeploymentSort
from antiphon.client.waiting_runs import waiting_runs
from antiphon.client.work_queue_lookup import queue_id, queues_by_id
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectAlreadyExists
from antiphon.json_payloads import json_payload
from antiphon.state_core import State
from antiphon.timestamps import write_timestamp
from antiphon.v1 import deployment_pb2
from antiphon.v1.deployment_service_pb2 import (
    CreateDeploymentRequest,
    CreateDeploymentResponse,
    DeleteDeploymentRequest,
    DeleteDeploymentResponse,
    DeploymentName,
    GetDeploymentRequest,
    GetDeploymentResponse,
    PauseDeploymentRequest,
    PauseDeploymentResponse,
    ResumeDeploymentRequest,
    ResumeDeploymentResponse,
    RunDeploymentRequest,
    RunDeploymentResponse,
    UpdateDeploymentRequest,
    UpdateDeploymentResponse,
)

__all__ = ["DeploymentOperations"]


class DeploymentOperations(ClientBase):
    """Deployments: flows as they are meant to run."""

    @operation
    def create_deployment(
        self,
        flow_id: UUID | str,
        name: str,
        version: str | None = None,
        schedules: list[DeploymentScheduleCreate] | None = None,
        concurrency_limit: int | None = None,
        concurrency_options: ConcurrencyOptions | None = None,
        parameters: dict[str, Any] | None = None,
        description: str | None = None,
        work_queue_name: str | None = None,
        work_pool_name: str | None = None,
        tags: list[str] | None = None,
        path: str | None = None,
        entrypoint: str | None = None,
        parameter_openapi_schema: dict[str, Any] | None = None,
        paused: bool | None = None,
        pull_steps: list[dict[str, Any]] | None = None,
        enforce_parameter_schema: bool | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> Work[UUID]:
        """Make a deployment of a flow and return its id. One of this name is changed to what is given here.

        Without `work_queue_name` it has the first queue of the work pool. Arguments have to fit the schema unless
        `enforce_parameter_schema` is False. Raises ObjectNotFound for an unknown flow, work pool or work queue,
        ServerError for schedules or arguments that cannot be, SerializationError for what JSON cannot say.
        """
        given = {key: value for key, value in locals().items() if key not in ("self", "flow_id", "name")}
        wanted = DeploymentUpdate.model_validate({key: each for key, each in given.items() if each is not None})
        message = deployment_pb2.Deployment(name=name, flow_id=uuid_text(flow_id, "flow_id"))
        yield from _write(self, message, wanted)
        message.enforce_parameter_schema = enforce_parameter_schema is not False
        request = CreateDeploymentRequest(deployment=message)
        try:
            answer = yield from self.call(
                lambda services: services.deployments.CreateDeployment, request, CreateDeploymentResponse
            )
            return UUID(answer.deployment.id)
        except ObjectAlreadyExists:
            text = all_of([equals("flow_id", [UUID(message.flow_id)]), equals("name", [name])])
            found = yield from listings.list_messages(self, listings.DEPLOYMENTS, text, limit=1)
            if not found:
                raise
            yield from _update(self, found[0].id, wanted)
            return UUID(found[0].id)

    @operation
    def read_deployment(self, deployment_id: UUID | str) -> Work[DeploymentResponse]:
        """Return a deployment. Raises ObjectNotFound."""
        found = yield from _get(self, GetDeploymentRequest(id=uuid_text(deployment_id, "deployment_id")))
        return (yield from _with_queues(self, [found]))[0]

    @operation
    def read_deployment_by_name(self, name: str) -> Work[DeploymentResponse]:
        """Return the deployment with the name `"flow/deployment"`. Raises ValueError for another form,
        ObjectNotFound."""
        flow_name, slash, own = name.partition("/")
        if not (flow_name and slash and own):
            raise ValueError(f'A deployment is named as "flow/deployment", not {name!r}.')
        names = DeploymentName(flow_name=flow_name, name=own)
        found = yield from _get(self, GetDeploymentRequest(name=names))
        return (yield from _with_queues(self, [found]))[0]

    @operation
    def read_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        limit: int | None = None,
        sort: DeploymentSort | None = None,
        offset: int = 0,
    ) -> Work[list[DeploymentResponse]]:
        """Return the deployments that fit all filters, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = listings.filters_of(
            flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
        )
        text = yield from listings.condition(self, listings.DEPLOYMENTS, filters)
        page = listings.list_messages(self, listings.DEPLOYMENTS, text, sort=sort, limit=limit, offset=offset)
        return (yield from _with_queues(self, (yield from page)))

    @operation
    def update_deployment(self, deployment_id: UUID | str, deployment: DeploymentUpdate) -> Work[None]:
        """Change what was given to `DeploymentUpdate`; a limit or a queue that was given as None is taken away.

        Raises ObjectNotFound, ServerError for what cannot be, SerializationError for what JSON cannot say.
        """
        yield from _update(self, uuid_text(deployment_id, "deployment_id"), deployment)

    @operation
    def pause_deployment(self, deployment_id: UUID | str) -> Work[None]:
        """Hold back the runs that schedules make. Raises ObjectNotFound."""
        yield from _set_paused(self, deployment_id, True)

    @operation
    def resume_deployment(self, deployment_id: UUID | str) -> Work[None]:
        """End the pause of a deployment. Raises ObjectNotFound."""
        yield from _set_paused(self, deployment_id, False)

    @operation
    def set_deployment_paused_state(self, deployment_id: UUID | str, paused: bool) -> Work[None]:
        """Pause a deployment or end its pause. Raises ObjectNotFound."""
        yield from _set_paused(self, deployment_id, paused)

    @operation
    def delete_deployment(self, deployment_id: UUID | str) -> Work[None]:
        """Delete a deployment; its runs stay. Raises ObjectNotFound."""
        request = DeleteDeploymentRequest(id=uuid_text(deployment_id, "deployment_id"))
        yield from self.call(lambda services: services.deployments.DeleteDeployment, request, DeleteDeploymentResponse)

    @operation
    def create_flow_run_from_deployment(
        self,
        deployment_id: UUID | str,
        *,
        parameters: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        state: State | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        idempotency_key: str | None = None,
        parent_task_run_id: UUID | str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        labels: dict[str, Any] | None = None,
    ) -> Work[FlowRun]:
        """Make a run of a deployment in `state` (Scheduled for now without one), and return it.

        Its tags, parameters and job variables are the deployment's with those that are given. With an
        `idempotency_key` that the flow has a run of, that run is returned. Raises ObjectNotFound, ServerError for
        arguments that do not fit, SerializationError for what JSON cannot say, ObjectUnsupported for `context` and
        `labels`.
        """
        refuse("a flow run", context=context, labels=labels)
        request = RunDeploymentRequest(
            id=uuid_text(deployment_id, "deployment_id"),
            flow_run_name=name or "",
            parameters=json_payload(parameters or {}, "parameters"),
            tags=dict.fromkeys(tags or ()),
            idempotency_key=idempotency_key or "",
            parent_task_run_id=uuid_text(parent_task_run_id, "parent_task_run_id") if parent_task_run_id else "",
            work_queue_name=work_queue_name or "",
            job_variables=_json_text(job_variables, "job_variables") if job_variables else "",
        )
        moment = state.state_details.scheduled_time if state is not None else None
        if moment is not None:
            write_timestamp(request.scheduled_time, moment)
        answer = yield from self.call(
            lambda services: services.deployments.RunDeployment, request, RunDeploymentResponse
        )
        run = answer.flow_run
        if state is not None and answer.created and state.name != run.state.name:
            yield from propose_flow_run_state(self, run.id, state)
        return (yield from get_flow_run(self, run.id))

    @operation
    def get_scheduled_flow_runs_for_deployments(
        self, deployment_ids: list[UUID | str], scheduled_before: datetime | None = None, limit: int | None = None
    ) -> Work[list[FlowRun]]:
        """Return the runs of deployments that are SCHEDULED for a time until `scheduled_before`, the next one first."""
        ids = [UUID(uuid_text(each, "deployment_id")) for each in deployment_ids]
        runs = yield from waiting_runs(self, equals("deployment_id", ids), scheduled_before, limit)
        return list(map(flow_run_from, runs))


def _get(client: ClientBase, request: GetDeploymentRequest) -> Work[deployment_pb2.Deployment]:
    answer = yield from client.call(lambda services: services.deployments.GetDeployment, request, GetDeploymentResponse)
    return answer.deployment


def _with_queues(client: ClientBase, messages: list[deployment_pb2.Deployment]) -> Work[list[DeploymentResponse]]:
    queues = yield from queues_by_id(client, (each.work_queue_id for each in messages))
    return [deployment_from(each, queues.get(each.work_queue_id)) for each in messages]


def _set_paused(client: ClientBase, deployment_id: UUID | str, paused: bool) -> Work[None]:
    id = uuid_text(deployment_id, "deployment_id")
    if paused:
        pause = PauseDeploymentRequest(id=id)
        yield from client.call(lambda services: services.deployments.PauseDeployment, pause, PauseDeploymentResponse)
    else:
        resume = ResumeDeploymentRequest(id=id)
        yield from client.call(lambda services: services.deployments.ResumeDeployment, resume, ResumeDeploymentResponse)


def _update(client: ClientBase, id: str, wanted: DeploymentUpdate) -> Work[None]:
    message = deployment_pb2.Deployment(id=id, name=wanted.name or "-")
    paths = yield from _write(client, message, wanted)
    if not paths:
        return
    request = UpdateDeploymentRequest(deployment=message, update_mask={"paths": paths})
    yield from client.call(lambda services: services.deployments.UpdateDeployment, request, UpdateDeploymentResponse)


def _write(client: ClientBase, message: deployment_pb2.Deployment, wanted: DeploymentUpdate) -> Work[list[str]]:
    """Puts what was given into the message, and gives the paths of it. None takes a limit or a queue away."""
    given = wanted.model_fields_set
    paths = _write_plain(message, wanted)
    if "concurrency_limit" in given:
        paths.append("concurrency_limit")
        if wanted.concurrency_limit is not None:
            message.concurrency_limit = wanted.concurrency_limit
    if wanted.concurrency_options is not None:
        paths += ["collision_strategy", "grace_period"]
        message.collision_strategy = strategy_number(wanted.concurrency_options.collision_strategy)
        if wanted.concurrency_options.grace_period_seconds is not None:
            message.grace_period.seconds = wanted.concurrency_options.grace_period_seconds
    if given & {"work_queue_name", "work_pool_name"}:
        paths.append("work_queue_id")
        message.work_queue_id = yield from queue_id(client, wanted.work_pool_name, wanted.work_queue_name)
    return paths


#: What is written as it is, and the contract's field for what is written as JSON.
_PLAIN = ("name", "version", "description", "paused", "path", "entrypoint", "enforce_parameter_schema")
_AS_JSON = {
    "pull_steps": "pull_steps",
    "job_variables": "job_variables",
    "parameter_openapi_schema": "parameter_schema",
}


def _write_plain(message: deployment_pb2.Deployment, wanted: DeploymentUpdate) -> list[str]:
    """Puts what needs no question into the message, and gives the paths of it."""
    paths = [path for path in _PLAIN if getattr(wanted, path) is not None]
    for path in paths:
        setattr(message, path, getattr(wanted, path))
    for name, path in _AS_JSON.items():
        if (value := getattr(wanted, name)) is not None:
            setattr(message, path, _json_text(value, name))
            paths.append(path)
    if wanted.parameters is not None:
        message.parameters.CopyFrom(json_payload(wanted.parameters, "parameters"))
        paths.append("parameters")
    if wanted.tags is not None:
        message.tags.extend(wanted.tags)
        paths.append("tags")
    if wanted.schedules is not None:
        message.schedules.extend(map(schedule_proto, wanted.schedules))
        paths.append("schedules")
    return paths


def _json_text(value: Any, what: str) -> str:
    """Raises SerializationError."""
    return json_payload(value, what).data.decode()

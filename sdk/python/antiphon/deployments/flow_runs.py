"""Runs of deployments, from code: in processes of workers, and perhaps as subflows of the flow that asks."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from antiphon.client.conversions.runs import flow_run_from
from antiphon.client.schemas.objects import FlowRun
from antiphon.context import FlowRunContext
from antiphon.deployments.parameters import parameters_payload
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.effects import Send
from antiphon.engine.proposals import propose_task_run
from antiphon.engine.scopes import RunScope, scope_around
from antiphon.engine.server_calls import call_server
from antiphon.engine.stand_ins import stand_in
from antiphon.engine.upstream import inputs, plain, task_run_ids, upstream_in
from antiphon.exceptions import FlowRunWaitTimeout, SerializationError, ServerError
from antiphon.flow_run_waiting import flow_run_once_ended
from antiphon.given_clients import AnyClient
from antiphon.ids import new_id
from antiphon.option_checks import checked_tags, checked_wait
from antiphon.state_core import State
from antiphon.states import Completed, Failed
from antiphon.timestamps import write_timestamp
from antiphon.v1.deployment_service_pb2 import DeploymentName, RunDeploymentRequest, RunDeploymentResponse
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, GetFlowRunResponse

__all__ = ["arun_deployment", "run_deployment"]


@dual
def run_deployment(
    name: str | UUID,
    client: AnyClient = None,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float | None = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool | None = True,
    job_variables: Mapping[str, Any] | None = None,
) -> Work[FlowRun]:
    """Create a run of a deployment, wait for its end, and return it; its `state` says how that was.

    `name` is `"flow/deployment"` or the deployment's id. `timeout` is in seconds: None waits for ever, 0 returns at
    once, and where the time is over first the run is returned as it is then. `poll_interval` has no effect, since the
    server tells. `parameters`, `tags` and `job_variables` come to the deployment's; futures among the parameters are
    waited for. A run that has the `idempotency_key` already is the answer. Inside a flow the run is a subflow of it,
    which a task run stands for, unless `as_subflow` is False or a `client` is given.

    In an async flow, and where an event loop runs, this gives a coroutine. Raises ObjectNotFound for an unknown
    deployment or work queue, ServerError for parameters that do not fit (reason PARAMETERS_INVALID),
    SerializationError, UpstreamTaskError, ValueError, TypeError.
    """
    seconds = checked_wait(timeout)
    request = _request(name)
    given, upstream = yield from _resolved_parameters(dict(parameters or {}))
    if given:
        request.parameters.CopyFrom(parameters_payload(given, "The parameters of a run"))
    if scheduled_time is not None:
        moment = scheduled_time if scheduled_time.tzinfo is not None else scheduled_time.replace(tzinfo=UTC)
        write_timestamp(request.scheduled_time, moment)
    request.flow_run_name = flow_run_name or ""
    request.tags.extend(sorted(checked_tags(tags)))
    request.idempotency_key = idempotency_key or ""
    request.work_queue_name = work_queue_name or ""
    request.job_variables = _job_variables(job_variables)
    around = FlowRunContext.around()
    if as_subflow and around is not None and client is None:
        request.parent_task_run_id = yield from _stood_for(around, str(name), upstream)
    try:
        answer = yield from call_server(
            lambda it: it.deployments.RunDeployment, request, RunDeploymentResponse, client=client
        )
    except ServerError as error:
        yield from _settled(request, Failed(message=f"No run was made: {error}"))
        raise
    run = answer.flow_run
    if run.parent_task_run_id != request.parent_task_run_id:
        # It was there already, and is mirrored elsewhere, or nowhere.
        yield from _settled(request, Completed(message=f"The flow run {run.id} was there already"))
    if seconds != 0:
        run = yield from _waited_for(run.id, seconds, client)
    return flow_run_from(run)


arun_deployment = awaitable(run_deployment)


def _request(name: "str | UUID") -> RunDeploymentRequest:
    if not isinstance(name, str | UUID):
        raise TypeError(f"A deployment is named as 'flow/deployment' or by its id, not by {type(name).__name__}.")
    text = str(name)
    try:
        return RunDeploymentRequest(id=str(UUID(text)))
    except ValueError:
        flow_name, slash, own = text.partition("/")
    if not (flow_name and slash and own):
        raise ValueError(f"A deployment is named as 'flow/deployment' or by its id, not {text!r}.")
    return RunDeploymentRequest(name=DeploymentName(flow_name=flow_name, name=own))


def _resolved_parameters(parameters: dict[str, Any]) -> Work[tuple[dict[str, Any], list[str]]]:
    """Gives the parameters with results in the place of futures, and the ids of the task runs that these were of."""
    upstream = upstream_in(parameters.values())
    if not upstream:
        return plain(parameters), []
    given = yield from inputs(parameters, (), upstream, scope_around() or RunScope())
    return given, task_run_ids(upstream)


def _job_variables(given: Mapping[str, Any] | None) -> str:
    if not given:
        return ""
    try:
        return json.dumps(dict(given), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SerializationError(f"The job_variables of a run cannot be said in JSON: {error}.") from error


def _stood_for(around: FlowRunContext, name: str, upstream: list[str]) -> Work[str]:
    """Makes the task run that mirrors the run in the flow around; gives its id once the server has it."""
    id = new_id()
    yield Send((stand_in(id, name, around, upstream),), wait=True, scope=scope_around())
    return id


def _settled(request: RunDeploymentRequest, state: State) -> Work[None]:
    """Ends the task run that was to mirror the run, where there is one."""
    if request.parent_task_run_id:
        yield Send((propose_task_run(request.parent_task_run_id, state),), wait=True, scope=scope_around())


def _waited_for(run_id: str, seconds: float | None, client: AnyClient) -> Work[Any]:
    """The run once it has ended, or as it is when the time is over."""
    try:
        return (yield from flow_run_once_ended(run_id, seconds, client=client))
    except FlowRunWaitTimeout:
        request = GetFlowRunRequest(id=run_id)
        answer = yield from call_server(lambda it: it.flow_runs.GetFlowRun, request, GetFlowRunResponse, client=client)
        return answer.flow_run

"""Flow runs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from antiphon.client import listings
from antiphon.client.arguments import refuse
from antiphon.client.conversions.runs import flow_run_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_all
from antiphon.client.proposing import propose_flow_run_state
from antiphon.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from antiphon.client.schemas.objects import FlowRun, FlowRunPolicy
from antiphon.client.schemas.responses import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
)
from antiphon.client.schemas.sorting import FlowRunSort
from antiphon.client.work_queue_lookup import queue_id, queues_by_id
from antiphon.engine.dual import Work
from antiphon.engine.retry_policies import retry_policy
from antiphon.exceptions import NotPausedError, ServerError
from antiphon.ids import new_id
from antiphon.json_payloads import json_payload
from antiphon.payloads import encode
from antiphon.state_core import State
from antiphon.state_protos import from_proto
from antiphon.states import Pending
from antiphon.v1 import flow_run_pb2
from antiphon.v1.flow_run_service_pb2 import (
    BulkCancelFlowRunsRequest,
    BulkCancelFlowRunsResponse,
    CreateFlowRunRequest,
    CreateFlowRunResponse,
    DeleteFlowRunRequest,
    DeleteFlowRunResponse,
    GetFlowRunRequest,
    GetFlowRunResponse,
    ListFlowRunStatesRequest,
    ListFlowRunStatesResponse,
    ResumeFlowRunRequest,
    ResumeFlowRunResponse,
    UpdateFlowRunRequest,
    UpdateFlowRunResponse,
)

if TYPE_CHECKING:
    from antiphon.flows import Flow

__all__ = ["FlowRunOperations", "get_flow_run"]

#: What the policy says of a run that cannot be resumed as was asked: by the reason of the refusal.
_REFUSED_RESUMES = frozenset({"INPUT_INVALID", "RESUME_REFUSED", "PAUSE_EXPIRED"})


class FlowRunOperations(ClientBase):
    """Flow runs: what becomes of a flow each time."""

    @operation
    def create_flow_run(
        self,
        flow: "Flow[..., Any]",
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        parent_task_run_id: UUID | str | None = None,
        state: State | None = None,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> Work[FlowRun]:
        """Make a run of a flow in `state` (Pending without one), and return it. It is not run by this.

        Raises SerializationError for parameters that can be neither JSON nor a pickle, ObjectNotFound for an unknown
        task run or queue, ObjectUnsupported for `context` and `job_variables`.
        """
        refuse("a flow run", context=context, job_variables=job_variables)
        message = flow_run_pb2.FlowRun(
            id=new_id(),
            name=name or "",
            flow_name=flow.name,
            flow_version=flow.version or "",
            parameters=encode(parameters or {}),
            tags=tags or (),
            parent_task_run_id=uuid_text(parent_task_run_id, "parent_task_run_id") if parent_task_run_id else "",
        )
        message.work_queue_id = yield from queue_id(self, work_pool_name, work_queue_name)
        policy = retry_policy(flow.retries, flow.retry_delays, 0.0)
        if policy is not None:
            message.retry_policy.CopyFrom(policy)
        return (yield from _start(self, message, state or Pending()))

    @operation
    def read_flow_run(self, flow_run_id: UUID | str) -> Work[FlowRun]:
        """Return a flow run. Raises ObjectNotFound."""
        return (yield from get_flow_run(self, uuid_text(flow_run_id, "flow_run_id")))

    @operation
    def read_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowRunSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Work[list[FlowRun]]:
        """Return the flow runs that fit all filters, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = listings.filters_of(
            flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
        )
        text = yield from listings.condition(self, listings.FLOW_RUNS, filters)
        page = listings.list_messages(self, listings.FLOW_RUNS, text, sort=sort, limit=limit, offset=offset)
        return (yield from _with_queues(self, (yield from page)))

    @operation
    def count_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
    ) -> Work[int]:
        """Return how many flow runs fit all filters."""
        filters = listings.filters_of(
            flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
        )
        text = yield from listings.condition(self, listings.FLOW_RUNS, filters)
        # A dry run counts and does nothing.
        request = BulkCancelFlowRunsRequest(filter=text, all=not text, dry_run=True)
        answer = yield from self.call(
            lambda services: services.flow_runs.BulkCancelFlowRuns, request, BulkCancelFlowRunsResponse
        )
        return answer.operation.total_count

    @operation
    def update_flow_run(
        self,
        flow_run_id: UUID | str,
        flow_version: str | None = None,
        parameters: dict[str, Any] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        empirical_policy: FlowRunPolicy | None = None,
        infrastructure_pid: str | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> Work[None]:
        """Change the name or the tags of a flow run. Raises ObjectNotFound; ObjectUnsupported for all else, which is
        fixed when a run is created."""
        refuse(
            "a flow run that could be changed",
            flow_version=flow_version,
            parameters=parameters,
            empirical_policy=empirical_policy,
            infrastructure_pid=infrastructure_pid,
            job_variables=job_variables,
        )
        yield from _update(self, flow_run_id, name, tags)

    @operation
    def set_flow_run_name(self, flow_run_id: UUID | str, name: str) -> Work[None]:
        """Rename a flow run. Raises ObjectNotFound."""
        yield from _update(self, flow_run_id, name, None)

    @operation
    def delete_flow_run(self, flow_run_id: UUID | str) -> Work[None]:
        """Delete a flow run with its task runs, states and logs. Raises ObjectNotFound."""
        request = DeleteFlowRunRequest(id=uuid_text(flow_run_id, "flow_run_id"))
        yield from self.call(lambda services: services.flow_runs.DeleteFlowRun, request, DeleteFlowRunResponse)

    @operation
    def set_flow_run_state(
        self, flow_run_id: UUID | str, state: State, force: bool = False
    ) -> Work[OrchestrationResult]:
        """Propose a state for a flow run, and return what the policy said of it.

        With `force` the rules that may be skipped are. Raises ObjectNotFound.
        """
        return (yield from propose_flow_run_state(self, flow_run_id, state, force))

    @operation
    def read_flow_run_states(self, flow_run_id: UUID | str) -> Work[list[State]]:
        """Return all states that a flow run has been in, oldest first. Raises ObjectNotFound."""
        id = uuid_text(flow_run_id, "flow_run_id")
        found = read_all(
            self,
            lambda services: services.flow_runs.ListFlowRunStates,
            ListFlowRunStatesRequest(id=id),
            ListFlowRunStatesResponse,
            "states",
        )
        return [from_proto(each, flow_run_id=id) for each in (yield from found)]

    @operation
    def resume_flow_run(
        self, flow_run_id: UUID | str, run_input: dict[str, Any] | None = None
    ) -> Work[OrchestrationResult]:
        """Have a paused or suspended flow run go on, and return whether it may.

        `run_input` is the answer that its pause asked for; one that does not fit is a REJECT and leaves it paused. Of a
        run that is not paused it is an ABORT. Raises ObjectNotFound.
        """
        id = uuid_text(flow_run_id, "flow_run_id")
        request = ResumeFlowRunRequest(id=id)
        if run_input is not None:
            request.input.CopyFrom(json_payload(run_input, "run_input"))
        try:
            answer = yield from self.call(
                lambda services: services.flow_runs.ResumeFlowRun, request, ResumeFlowRunResponse
            )
        except NotPausedError as error:
            details = StateAbortDetails(reason=str(error))
            return OrchestrationResult(state=None, status=SetStateStatus.ABORT, details=details)
        except ServerError as error:
            if error.reason not in _REFUSED_RESUMES:
                raise
            run = yield from get_flow_run(self, id)
            rejected = StateRejectDetails(reason=str(error))
            return OrchestrationResult(state=run.state, status=SetStateStatus.REJECT, details=rejected)
        held = flow_run_from(answer.flow_run).state
        return OrchestrationResult(state=held, status=SetStateStatus.ACCEPT, details=StateAcceptDetails())


def _start(client: ClientBase, message: flow_run_pb2.FlowRun, state: State) -> Work[FlowRun]:
    """Gives a new run after `state` was proposed for it. One that was there before, by its idempotency key, is given as
    it is."""
    request = CreateFlowRunRequest(flow_run=message)
    answer = yield from client.call(lambda services: services.flow_runs.CreateFlowRun, request, CreateFlowRunResponse)
    id = answer.flow_run.id
    if not answer.flow_run.HasField("state"):
        yield from propose_flow_run_state(client, id, state)
    return (yield from get_flow_run(client, id))


def get_flow_run(client: ClientBase, id: str) -> Work[FlowRun]:
    """Gives a run. Raises ObjectNotFound."""
    request = GetFlowRunRequest(id=id)
    answer = yield from client.call(lambda services: services.flow_runs.GetFlowRun, request, GetFlowRunResponse)
    return (yield from _with_queues(client, [answer.flow_run]))[0]


def _with_queues(client: ClientBase, messages: list[flow_run_pb2.FlowRun]) -> Work[list[FlowRun]]:
    """The runs, with the names of their queues and pools."""
    queues = yield from queues_by_id(client, (each.work_queue_id for each in messages))
    runs: list[FlowRun] = []
    for each in messages:
        run, queue = flow_run_from(each), queues.get(each.work_queue_id)
        if queue is not None:
            run.work_queue_name, run.work_pool_name = queue.name, queue.work_pool_name
            run.work_pool_id = UUID(queue.work_pool_id)
        runs.append(run)
    return runs


def _update(client: ClientBase, flow_run_id: UUID | str, name: str | None, tags: Iterable[str] | None) -> Work[None]:
    message = flow_run_pb2.FlowRun(id=uuid_text(flow_run_id, "flow_run_id"), name=name or "", tags=tags or ())
    paths = [path for path, given in (("name", name), ("tags", tags)) if given is not None]
    if not paths:
        return
    request = UpdateFlowRunRequest(flow_run=message, update_mask={"paths": paths})
    yield from client.call(lambda services: services.flow_runs.UpdateFlowRun, request, UpdateFlowRunResponse)

"""Flows."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from antiphon.client import listings
from antiphon.client.conversions.runs import flow_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from antiphon.client.schemas.objects import Flow
from antiphon.client.schemas.sorting import FlowSort
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.v1 import flow_pb2
from antiphon.v1.flow_service_pb2 import (
    CreateFlowRequest,
    CreateFlowResponse,
    DeleteFlowRequest,
    DeleteFlowResponse,
    GetFlowRequest,
    GetFlowResponse,
)

if TYPE_CHECKING:
    from antiphon.flows import Flow as DecoratedFlow

__all__ = ["FlowOperations"]


class FlowOperations(ClientBase):
    """Flows: the names under which runs are kept."""

    @operation
    def create_flow(self, flow: "DecoratedFlow[..., Any]") -> Work[UUID]:
        """Register a flow and return its id; that of the one that is there already where the name is known."""
        return (yield from _registered(self, flow.name))

    @operation
    def create_flow_from_name(self, flow_name: str) -> Work[UUID]:
        """As `create_flow`, by a name."""
        return (yield from _registered(self, flow_name))

    @operation
    def read_flow(self, flow_id: UUID | str) -> Work[Flow]:
        """Return a flow. Raises ObjectNotFound."""
        request = GetFlowRequest(id=uuid_text(flow_id, "flow_id"))
        answer = yield from self.call(lambda services: services.flows.GetFlow, request, GetFlowResponse)
        return flow_from(answer.flow)

    @operation
    def read_flow_by_name(self, flow_name: str) -> Work[Flow]:
        """Return the flow of this name. Raises ObjectNotFound."""
        found = yield from listings.list_messages(self, listings.FLOWS, equals("name", [flow_name]), limit=1)
        if not found:
            raise ObjectNotFound(f"There is no flow {flow_name!r}.", code="NOT_FOUND", reason="FLOW_NOT_FOUND")
        return flow_from(found[0])

    @operation
    def read_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Work[list[Flow]]:
        """Return the flows that fit all filters, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = listings.filters_of(
            flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
        )
        text = yield from listings.condition(self, listings.FLOWS, filters)
        page = listings.list_messages(self, listings.FLOWS, text, sort=sort, limit=limit, offset=offset)
        return list(map(flow_from, (yield from page)))

    @operation
    def delete_flow(self, flow_id: UUID | str) -> Work[None]:
        """Delete a flow with its runs and deployments. Raises ObjectNotFound."""
        request = DeleteFlowRequest(id=uuid_text(flow_id, "flow_id"))
        yield from self.call(lambda services: services.flows.DeleteFlow, request, DeleteFlowResponse)


def _registered(client: ClientBase, name: str) -> Work[UUID]:
    request = CreateFlowRequest(flow=flow_pb2.Flow(name=name))
    try:
        answer = yield from client.call(lambda services: services.flows.CreateFlow, request, CreateFlowResponse)
        return UUID(answer.flow.id)
    except ObjectAlreadyExists:
        found = yield from listings.list_messages(client, listings.FLOWS, equals("name", [name]), limit=1)
        if not found:
            raise
        return UUID(found[0].id)

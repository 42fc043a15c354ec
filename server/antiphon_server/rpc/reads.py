"""The RPCs that only read: message in, use case, message out. Errors are those of `Queries`, which says them."""

from typing import Protocol

from antiphon.v1 import (
    admin_service_pb2,
    flow_run_pb2,
    flow_run_service_pb2,
    flow_service_pb2,
    log_service_pb2,
    operation_pb2,
    operation_service_pb2,
    task_run_service_pb2,
)
from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.application.queries import PageRequest, Queries, RecordPage
from antiphon_server.domain.model import RunKind
from antiphon_server.rpc.operation_messages import operation_message
from antiphon_server.rpc.read_conversions import (
    command_message,
    flow_message,
    flow_run_input_message,
    flow_run_message,
    log_message,
    session_message,
    state_message,
    task_run_message,
)


class ListRequest(Protocol):
    """What list requests with a filter have in common."""

    page_size: int
    page_token: str
    filter: str
    order_by: str


class Reads:
    """One method for each RPC that reads, for servicers to delegate to."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def get_flow(self, request: flow_service_pb2.GetFlowRequest) -> flow_service_pb2.GetFlowResponse:
        return flow_service_pb2.GetFlowResponse(flow=flow_message(await self._queries.flow(request.id)))

    async def list_flows(self, request: flow_service_pb2.ListFlowsRequest) -> flow_service_pb2.ListFlowsResponse:
        page = await listed(self._queries, listings.FLOWS, request)
        return flow_service_pb2.ListFlowsResponse(
            flows=map(flow_message, page.rows), next_page_token=page.next_page_token
        )

    async def get_flow_run(
        self, request: flow_run_service_pb2.GetFlowRunRequest
    ) -> flow_run_service_pb2.GetFlowRunResponse:
        return flow_run_service_pb2.GetFlowRunResponse(flow_run=await self.flow_run(request.id))

    async def list_flow_runs(
        self, request: flow_run_service_pb2.ListFlowRunsRequest
    ) -> flow_run_service_pb2.ListFlowRunsResponse:
        page = await listed(self._queries, listings.FLOW_RUNS, request)
        return flow_run_service_pb2.ListFlowRunsResponse(
            flow_runs=map(flow_run_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_flow_run_states(
        self, request: flow_run_service_pb2.ListFlowRunStatesRequest
    ) -> flow_run_service_pb2.ListFlowRunStatesResponse:
        asked = PageRequest(request.page_size, request.page_token)
        page = await self._queries.states(RunKind.FLOW_RUN, request.id, asked)
        return flow_run_service_pb2.ListFlowRunStatesResponse(
            states=map(state_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_flow_run_commands(
        self, request: flow_run_service_pb2.ListFlowRunCommandsRequest
    ) -> flow_run_service_pb2.ListFlowRunCommandsResponse:
        page = await self._queries.commands(request.id, PageRequest(request.page_size, request.page_token))
        return flow_run_service_pb2.ListFlowRunCommandsResponse(
            commands=map(command_message, page.rows), next_page_token=page.next_page_token
        )

    async def flow_run(self, id: str) -> flow_run_pb2.FlowRun:
        return flow_run_message(await self._queries.flow_run(id))

    async def get_flow_run_input(
        self, request: flow_run_service_pb2.GetFlowRunInputRequest
    ) -> flow_run_service_pb2.GetFlowRunInputResponse:
        row = await self._queries.flow_run_input(request.flow_run_id, request.key)
        return flow_run_service_pb2.GetFlowRunInputResponse(flow_run_input=flow_run_input_message(row))

    async def list_flow_run_inputs(
        self, request: flow_run_service_pb2.ListFlowRunInputsRequest
    ) -> flow_run_service_pb2.ListFlowRunInputsResponse:
        asked = PageRequest(request.page_size, request.page_token)
        page = await self._queries.flow_run_inputs(request.flow_run_id, request.key_prefix, asked)
        return flow_run_service_pb2.ListFlowRunInputsResponse(
            flow_run_inputs=map(flow_run_input_message, page.rows), next_page_token=page.next_page_token
        )

    async def arrived_flow_run_inputs(
        self, request: flow_run_service_pb2.ReceiveFlowRunInputsRequest
    ) -> flow_run_service_pb2.ReceiveFlowRunInputsResponse:
        """What is there already."""
        rows = await self._queries.arrived_inputs(
            request.flow_run_id, request.key_prefix, request.after_sequence, request.page_size
        )
        return flow_run_service_pb2.ReceiveFlowRunInputsResponse(flow_run_inputs=map(flow_run_input_message, rows))

    async def get_task_run(
        self, request: task_run_service_pb2.GetTaskRunRequest
    ) -> task_run_service_pb2.GetTaskRunResponse:
        row = await self._queries.task_run(request.id)
        return task_run_service_pb2.GetTaskRunResponse(task_run=task_run_message(row))

    async def list_task_runs(
        self, request: task_run_service_pb2.ListTaskRunsRequest
    ) -> task_run_service_pb2.ListTaskRunsResponse:
        page = await listed(self._queries, listings.TASK_RUNS, request)
        return task_run_service_pb2.ListTaskRunsResponse(
            task_runs=map(task_run_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_task_run_states(
        self, request: task_run_service_pb2.ListTaskRunStatesRequest
    ) -> task_run_service_pb2.ListTaskRunStatesResponse:
        asked = PageRequest(request.page_size, request.page_token)
        page = await self._queries.states(RunKind.TASK_RUN, request.id, asked)
        return task_run_service_pb2.ListTaskRunStatesResponse(
            states=map(state_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_logs(self, request: log_service_pb2.ListLogsRequest) -> log_service_pb2.ListLogsResponse:
        page = await listed(self._queries, listings.LOGS, request)
        return log_service_pb2.ListLogsResponse(logs=map(log_message, page.rows), next_page_token=page.next_page_token)

    async def count_flow_runs(self, filter: str, until: int) -> int:
        return await self._queries.count(listings.FLOW_RUNS, filter, until)

    async def get_operation(self, id: str) -> operation_pb2.Operation:
        return operation_message(await self._queries.operation(id))

    async def list_operations(
        self, request: operation_service_pb2.ListOperationsRequest
    ) -> operation_service_pb2.ListOperationsResponse:
        asked = PageRequest(request.page_size, request.page_token, request.filter)
        page = await self._queries.page(listings.OPERATIONS, asked)
        return operation_service_pb2.ListOperationsResponse(
            operations=map(operation_message, page.rows), next_page_token=page.next_page_token
        )

    async def list_sessions(
        self, request: admin_service_pb2.ListSessionsRequest
    ) -> admin_service_pb2.ListSessionsResponse:
        asked = PageRequest(request.page_size, request.page_token)
        page = await self._queries.page(listings.SESSIONS, asked)
        return admin_service_pb2.ListSessionsResponse(
            sessions=map(session_message, page.rows), next_page_token=page.next_page_token
        )


async def listed(queries: Queries, listing: Listing, request: ListRequest) -> RecordPage:
    """The page that a list request asks for."""
    asked = PageRequest(request.page_size, request.page_token, request.filter, request.order_by)
    return await queries.page(listing, asked)

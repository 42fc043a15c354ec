"""Starts long-running operations over a filter, or counts what they would handle."""

from typing import Any, Protocol, TypeVar

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import operation_pb2, state_pb2
from antiphon_server.application import read_back
from antiphon_server.application.bulk import StartBulk
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.proposals import check_state, state_from
from antiphon_server.domain.bulk import BulkVerb
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.operation_messages import operation_message
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.write_conversions import new_id
from antiphon_server.wire_details import details_from

Response = TypeVar(
    "Response",
    pb.BulkCancelFlowRunsResponse,
    pb.BulkDeleteFlowRunsResponse,
    pb.BulkRetryFlowRunsResponse,
    pb.BulkSetFlowRunStateResponse,
)


class _Request(Protocol):
    """What the Bulk requests have in common."""

    filter: str
    all: bool
    dry_run: bool
    request_id: str


class BulkStarts:
    """The Bulk methods of FlowRunService, for its servicer to delegate to."""

    def __init__(self, core: Core, reads: Reads) -> None:
        self._core = core
        self._reads = reads

    async def cancel(self, request: pb.BulkCancelFlowRunsRequest) -> pb.BulkCancelFlowRunsResponse:
        return await self._start(request, BulkVerb.CANCEL, pb.BulkCancelFlowRunsResponse, reason=request.reason)

    async def delete(self, request: pb.BulkDeleteFlowRunsRequest) -> pb.BulkDeleteFlowRunsResponse:
        return await self._start(request, BulkVerb.DELETE, pb.BulkDeleteFlowRunsResponse)

    async def retry(self, request: pb.BulkRetryFlowRunsRequest) -> pb.BulkRetryFlowRunsResponse:
        return await self._start(request, BulkVerb.RETRY, pb.BulkRetryFlowRunsResponse)

    async def set_state(self, request: pb.BulkSetFlowRunStateRequest) -> pb.BulkSetFlowRunStateResponse:
        state = _checked(request.state)
        return await self._start(
            request, BulkVerb.SET_STATE, pb.BulkSetFlowRunStateResponse, proposed_state=state, force=request.force
        )

    async def _start(self, request: _Request, verb: BulkVerb, response: type[Response], **parameters: Any) -> Response:
        """Raises InvalidArgument: FILTER_EMPTY, FILTER_INVALID."""
        if not request.filter.strip() and not request.all:
            raise InvalidArgument(
                "FILTER_EMPTY",
                "the filter is empty, which would mean all flow runs; give a filter, or set `all` if all are meant",
                field="filter",
            )
        total = await self._reads.count_flow_runs(request.filter, self._core.clock())
        if request.dry_run:
            counted = operation_pb2.Operation(
                verb=int(verb),  # type: ignore[arg-type]
                filter=request.filter,
                total_count=total,
            )
            return response(operation=counted)
        start = StartBulk(new_id(), verb, request.filter, total, **parameters)
        return await mutate(self._core, request, start, response, lambda *it: response(operation=_stored(*it)))


def _stored(working_set: WorkingSet, id: str) -> operation_pb2.Operation:
    return operation_message(read_back.operation(working_set, id))


def _checked(state: state_pb2.State) -> bytes:
    """The state as it is kept. Raises InvalidArgument (TIME_INVALID, INPUT_SCHEMA_INVALID)."""
    check_state(state)
    details_from(state.details, "state.details")
    kept = state_pb2.State()
    kept.CopyFrom(state)
    kept.DiscardUnknownFields()
    for unused in ("id", "create_time"):
        kept.ClearField(unused)
    kept.name = state_from(state, "").name
    return kept.SerializeToString(deterministic=True)

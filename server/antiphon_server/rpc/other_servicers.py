"""TransitionService and LogService."""

from typing import Any

from antiphon.v1 import log_service_pb2, log_service_pb2_grpc, transition_service_pb2, transition_service_pb2_grpc
from antiphon_server.application.core import Core
from antiphon_server.application.explaining import ExplainTransition
from antiphon_server.application.logs import CreateLogs
from antiphon_server.application.operations import ProposeTransition
from antiphon_server.application.proposals import proposal_from
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.trace_context import traceparent_of
from antiphon_server.rpc.write_conversions import log_rows, verdict_to


class TransitionServicer(transition_service_pb2_grpc.TransitionServiceServicer):
    def __init__(self, core: Core) -> None:
        self._core = core

    async def ProposeTransition(
        self, request: transition_service_pb2.ProposeTransitionRequest, context: Any
    ) -> transition_service_pb2.ProposeTransitionResponse:
        proposal = proposal_from(request.proposal, session_id=None)
        proposal.traceparent = proposal.traceparent or traceparent_of(context)
        verdict = await self._core.run(ProposeTransition(proposal))
        return transition_service_pb2.ProposeTransitionResponse(verdict=verdict_to(verdict))

    async def ExplainTransition(
        self, request: transition_service_pb2.ExplainTransitionRequest, context: Any
    ) -> transition_service_pb2.ExplainTransitionResponse:
        proposal = proposal_from(request.proposal, session_id=None)
        explanation = await self._core.run(ExplainTransition(proposal, request.as_holder))
        return transition_service_pb2.ExplainTransitionResponse(
            verdict=verdict_to(explanation.verdict), consequences=explanation.consequences
        )


class LogServicer(log_service_pb2_grpc.LogServiceServicer):
    def __init__(self, core: Core, reads: Reads) -> None:
        self._core = core
        self._reads = reads

    async def CreateLogs(
        self, request: log_service_pb2.CreateLogsRequest, context: Any
    ) -> log_service_pb2.CreateLogsResponse:
        return await mutate(
            self._core,
            request,
            CreateLogs(log_rows(request.logs)),
            log_service_pb2.CreateLogsResponse,
            lambda *_: log_service_pb2.CreateLogsResponse(),
            bulk=True,
        )

    async def ListLogs(
        self, request: log_service_pb2.ListLogsRequest, context: Any
    ) -> log_service_pb2.ListLogsResponse:
        return await self._reads.list_logs(request)

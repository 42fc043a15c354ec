"""AdminService."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from antiphon.v1 import admin_service_pb2 as pb
from antiphon.v1 import admin_service_pb2_grpc
from antiphon_server.rpc.reads import Reads
from antiphon_server.wire_times import micros_to_duration, micros_to_timestamp

logger = logging.getLogger(__name__)


class AdminServicer(admin_service_pb2_grpc.AdminServiceServicer):
    """`services` says how they fare, and `leads` whether one is this server's; `diagnose` looks for what is wrong, all
    or what is this server's own; `stop` asks the server to end and returns at once."""

    def __init__(
        self,
        reads: Reads,
        info: pb.ServerInfo,
        services: Callable[[], Sequence[Any]],
        leads: Callable[[str], bool],
        diagnose: Callable[[bool], Awaitable[pb.DiagnoseServerResponse]],
        stop: Callable[[str], None],
    ) -> None:
        self._reads = reads
        self._services = services
        self._leads = leads
        self._info = info
        self._diagnose = diagnose
        self._stop = stop

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:
        return pb.GetServerInfoResponse(server_info=self._info)

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        return await self._reads.list_sessions(request)

    async def ListServices(self, request: pb.ListServicesRequest, context: Any) -> pb.ListServicesResponse:
        return pb.ListServicesResponse(services=(self._service(each) for each in self._services()))

    def _service(self, status: Any) -> pb.BackgroundService:
        state = pb.BACKGROUND_SERVICE_STATE_FAILING if status.last_error else pb.BACKGROUND_SERVICE_STATE_HEALTHY
        if not self._leads(status.name):
            state = pb.BACKGROUND_SERVICE_STATE_STANDBY
        return pb.BackgroundService(
            name=status.name,
            description=status.about,
            state=state,
            running=status.running,
            interval=micros_to_duration(round(status.interval * 1e6)) if status.interval else None,
            start_time=micros_to_timestamp(status.start_time) if status.start_time is not None else None,
            end_time=micros_to_timestamp(status.end_time) if status.end_time is not None else None,
            lag=micros_to_duration(status.lag),
            rounds=status.rounds,
            failures=status.failures,
            last_error=status.last_error,
        )

    async def DiagnoseServer(self, request: pb.DiagnoseServerRequest, context: Any) -> pb.DiagnoseServerResponse:
        return await self._diagnose(request.own_only)

    async def StopServer(self, request: pb.StopServerRequest, context: Any) -> pb.StopServerResponse:
        logger.info("asked to stop: %s", request.reason or "no reason given")
        self._stop(request.reason)
        return pb.StopServerResponse()

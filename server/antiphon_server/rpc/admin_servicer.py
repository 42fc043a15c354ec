"""AdminService."""

import logging
from collections.abc import Callable
from typing import Any

from antiphon.v1 import admin_service_pb2 as pb
from antiphon.v1 import admin_service_pb2_grpc
from antiphon_server.rpc.reads import Reads

logger = logging.getLogger(__name__)


class AdminServicer(admin_service_pb2_grpc.AdminServiceServicer):
    """`stop` asks the server to end and returns at once."""

    def __init__(self, reads: Reads, info: pb.ServerInfo, stop: Callable[[str], None]) -> None:
        self._reads = reads
        self._info = info
        self._stop = stop

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:
        return pb.GetServerInfoResponse(server_info=self._info)

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        return await self._reads.list_sessions(request)

    async def StopServer(self, request: pb.StopServerRequest, context: Any) -> pb.StopServerResponse:
        logger.info("asked to stop: %s", request.reason or "no reason given")
        self._stop(request.reason)
        return pb.StopServerResponse()

"""WatchService."""

from typing import Any

from antiphon.v1 import watch_service_pb2 as pb
from antiphon.v1 import watch_service_pb2_grpc
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.watch_feeds import Feeds
from antiphon_server.rpc.watch_streams import WatchStreams


class WatchServicer(watch_service_pb2_grpc.WatchServiceServicer):
    """The stubs know generators only; the library takes methods that write, too."""

    def __init__(self, streams: WatchStreams, feeds: Feeds) -> None:
        self._streams = streams
        self._feeds = feeds

    async def WatchFlowRuns(self, request: pb.WatchFlowRunsRequest, context: Any) -> None:  # type: ignore[override]
        await self._streams.follow(self._feeds.flow_runs, request, context.write)

    async def WatchTaskRuns(  # type: ignore[override]
        self, request: pb.WatchServiceWatchTaskRunsRequest, context: Any
    ) -> None:
        await self._streams.follow(self._feeds.task_runs, request, context.write)

    async def WatchLogs(self, request: pb.WatchLogsRequest, context: Any) -> None:  # type: ignore[override]
        await self._streams.follow(self._feeds.logs, request, context.write, request.newest_lines)

    async def WatchDeployments(  # type: ignore[override]
        self, request: pb.WatchDeploymentsRequest, context: Any
    ) -> None:
        await self._streams.follow(self._feeds.deployments, request, context.write)

    async def WatchWorkers(self, request: pb.WatchWorkersRequest, context: Any) -> None:  # type: ignore[override]
        await self._streams.follow(self._feeds.workers, request, context.write)


def add_to(server: Any, parts: Parts) -> None:
    streams = WatchStreams(parts.core, parts.reader, parts.queries, parts.log)
    watch_service_pb2_grpc.add_WatchServiceServicer_to_server(
        WatchServicer(streams, Feeds(parts.queries, parts.ttl)), server
    )

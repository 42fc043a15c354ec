"""WatchFlowRun: a snapshot, a mark, then every change, with a cursor to go on after a cut."""

from collections.abc import Awaitable, Callable, Sequence

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import task_run_service_pb2
from antiphon_server.domain.errors import NotFound
from antiphon_server.domain.states import TERMINAL
from antiphon_server.rpc.change_log import Change, ChangeLog, Watched
from antiphon_server.rpc.reads import Reads

Send = Callable[[pb.WatchFlowRunResponse], Awaitable[None]]

_KINDS = (Watched.FLOW_RUN, Watched.TASK_RUN)


class Watches:
    """Serves WatchFlowRun. `settle` returns once the log has heard of every commit made until now."""

    def __init__(self, reads: Reads, log: ChangeLog, settle: Callable[[], Awaitable[None]]) -> None:
        self._reads = reads
        self._log = log
        self._settle = settle

    async def flow_run(self, request: pb.WatchFlowRunRequest, send: Send) -> None:
        """Sends until the run has ended, which ends the call in peace."""
        id = request.id.lower()
        with self._log.followed(_KINDS, id) as follower:
            number = self._log.number
            if request.resume_cursor:
                cursor = await self._log.parse(request.resume_cursor, _KINDS)
                await self._send_task_runs(self._log.since(cursor, _KINDS, id), send)
                ended = await self._send_flow_run(id, number, send)
            else:
                ended = await self._snapshot(id, number, send)
            while not ended:
                number, changes = await follower.next()
                await self._send_task_runs(changes, send)
                if any(change.kind is Watched.FLOW_RUN for change in changes):
                    ended = await self._send_flow_run(id, number, send)

    async def _snapshot(self, id: str, number: int, send: Send) -> bool:
        run = (await self._reads.get_flow_run(pb.GetFlowRunRequest(id=id))).flow_run
        request = task_run_service_pb2.ListTaskRunsRequest(
            filter=f'flow_run_id = "{id}"', order_by="create_time", page_size=1000
        )
        while True:
            page = await self._reads.list_task_runs(request)
            for task_run in page.task_runs:
                await send(pb.WatchFlowRunResponse(task_run=task_run))
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        await send(pb.WatchFlowRunResponse(flow_run=run))
        await send(pb.WatchFlowRunResponse(snapshot_mark=pb.SnapshotMark(), cursor=self._log.cursor(number)))
        return int(run.state.type) in TERMINAL

    async def _send_task_runs(self, changes: Sequence[Change], send: Send) -> None:
        """Each once, in the order of their last changes. After a cut between them the run is told again, so its own
        change may lie before a cursor that was sent here."""
        last = {change.id: change.number for change in changes if change.kind is Watched.TASK_RUN}
        for run_id, number in sorted(last.items(), key=lambda item: item[1]):
            try:
                found = await self._reads.get_task_run(task_run_service_pb2.GetTaskRunRequest(id=run_id))
            except NotFound:  # deleted since
                continue
            await send(pb.WatchFlowRunResponse(task_run=found.task_run, cursor=self._log.cursor(number)))

    async def _send_flow_run(self, id: str, number: int, send: Send) -> bool:
        """The run as it is now, and whether it has ended; all that its task runs did until then goes before its end."""
        run = (await self._reads.get_flow_run(pb.GetFlowRunRequest(id=id))).flow_run
        ended = int(run.state.type) in TERMINAL
        if ended:
            # Readers may see the end of a run before the log has heard of it.
            await self._settle()
            changes = self._log.since(number, _KINDS, id)
            number = self._log.number
            await self._send_task_runs(changes, send)
        await send(pb.WatchFlowRunResponse(flow_run=run, cursor=self._log.cursor(number)))
        return ended

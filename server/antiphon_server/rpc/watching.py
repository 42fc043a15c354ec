"""WatchFlowRun: a snapshot, a mark, then every change, with a cursor to go on after a cut.

Changes are remembered as names of runs, not as their content: a watcher reads what it is told about. So a slow one
skips what was overtaken and a busy run costs no memory.
"""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon.v1 import task_run_service_pb2
from antiphon_server.application.core import Changes
from antiphon_server.domain.errors import InvalidArgument, NotFound, OutOfRange, Unavailable
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import TERMINAL
from antiphon_server.rpc.reads import Reads

#: Changes that a cursor can go back.
REMEMBERED = 10_000

Send = Callable[[pb.WatchFlowRunResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Change:
    number: int
    kind: RunKind
    run_id: str
    #: The flow run around it, or itself.
    flow_run_id: str | None


class ChangeLog:
    """The newest changes in this process, numbered. A cursor names the process too: numbers start anew with it."""

    def __init__(self) -> None:
        self._changes: deque[_Change] = deque(maxlen=REMEMBERED)
        self._number = 0
        self._process = os.urandom(6).hex()
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def note(self, changes: Changes) -> None:
        """A listener for the core."""
        for (kind, run_id), flow_run_id in changes.runs.items():
            self._number += 1
            self._changes.append(_Change(self._number, kind, run_id, flow_run_id))
        if changes.runs:
            for event in self._waiting:
                event.set()

    @property
    def number(self) -> int:
        return self._number

    def cursor(self, number: int) -> str:
        return f"{self._process}:{number}"

    def parse(self, cursor: str) -> int:
        """The number in a cursor; raises OutOfRange (CURSOR_TOO_OLD) for one that is not remembered any more."""
        process, _, number = cursor.partition(":")
        if not number.isdecimal():
            raise InvalidArgument("CURSOR_INVALID", f"{cursor!r} is no cursor of this service", field="resume_cursor")
        oldest = self._changes[0].number if self._changes else self._number + 1
        if process != self._process or not oldest - 1 <= int(number) <= self._number:
            raise OutOfRange("CURSOR_TOO_OLD", "changes since this cursor are not remembered; watch without a cursor")
        return int(number)

    def close(self) -> None:
        """Ends every watch: no change will come any more."""
        self._closed = True
        for event in self._waiting:
            event.set()

    async def after(self, number: int, flow_run_id: str) -> tuple[int, list[_Change]]:
        """Waits for changes of one flow run that come after `number`; raises OutOfRange where some are forgotten."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while True:
                if self._changes and self._changes[0].number > number + 1:
                    raise OutOfRange("CURSOR_TOO_OLD", "this watcher fell too far behind; watch without a cursor")
                found = self.since(number, flow_run_id)
                if found:
                    return self._number, found
                if self._closed:
                    raise Unavailable("SERVER_STOPPING", "the server is stopping; watch again on the next one")
                number = self._number
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)

    def since(self, number: int, flow_run_id: str) -> list[_Change]:
        """What is remembered of the changes of one flow run after `number`."""
        found = []
        for change in reversed(self._changes):
            if change.number <= number:
                break
            if change.flow_run_id == flow_run_id:
                found.append(change)
        return found[::-1]


class Watches:
    """Serves WatchFlowRun. `settle` returns once the log has heard of every commit made until now."""

    def __init__(self, reads: Reads, log: ChangeLog, settle: Callable[[], Awaitable[None]]) -> None:
        self._reads = reads
        self._log = log
        self._settle = settle

    async def flow_run(self, request: pb.WatchFlowRunRequest, send: Send) -> None:
        """Sends until the run has ended, which ends the call in peace."""
        id = request.id.lower()
        number = self._log.number
        if request.resume_cursor:
            changes = self._log.since(self._log.parse(request.resume_cursor), id)
            await self._send_task_runs(number, changes, send)
            ended = await self._send_flow_run(id, number, send)
        else:
            ended = await self._snapshot(id, number, send)
        while not ended:
            number, changes = await self._log.after(number, id)
            await self._send_task_runs(number, changes, send)
            if any(change.kind is RunKind.FLOW_RUN for change in changes):
                ended = await self._send_flow_run(id, number, send)

    async def _snapshot(self, id: str, number: int, send: Send) -> bool:
        cursor = self._log.cursor(number)
        run = (await self._reads.get_flow_run(pb.GetFlowRunRequest(id=id))).flow_run
        ended = int(run.state.type) in TERMINAL
        token = ""
        while True:
            page = await self._reads.list_task_runs(
                task_run_service_pb2.ListTaskRunsRequest(
                    filter=f'flow_run_id = "{id}"', order_by="create_time", page_size=1000, page_token=token
                )
            )
            for task_run in page.task_runs:
                await send(pb.WatchFlowRunResponse(task_run=task_run, cursor=cursor))
            token = page.next_page_token
            if not token:
                break
        await send(pb.WatchFlowRunResponse(flow_run=run, cursor=cursor))
        await send(pb.WatchFlowRunResponse(snapshot_mark=pb.SnapshotMark(), cursor=cursor))
        return ended

    async def _send_task_runs(self, number: int, changes: list[_Change], send: Send) -> None:
        cursor = self._log.cursor(number)
        for run_id in dict.fromkeys(change.run_id for change in changes if change.kind is RunKind.TASK_RUN):
            try:
                found = await self._reads.get_task_run(task_run_service_pb2.GetTaskRunRequest(id=run_id))
            except NotFound:  # deleted since
                continue
            await send(pb.WatchFlowRunResponse(task_run=found.task_run, cursor=cursor))

    async def _send_flow_run(self, id: str, number: int, send: Send) -> bool:
        """The run as it is now, and whether it has ended; all that its task runs did until then goes before its end."""
        run = (await self._reads.get_flow_run(pb.GetFlowRunRequest(id=id))).flow_run
        ended = int(run.state.type) in TERMINAL
        if ended:
            # Readers may see the end of a run before the log has heard of it.
            await self._settle()
            changes = self._log.since(number, id)
            number = self._log.number
            await self._send_task_runs(number, changes, send)
        await send(pb.WatchFlowRunResponse(flow_run=run, cursor=self._log.cursor(number)))
        return ended

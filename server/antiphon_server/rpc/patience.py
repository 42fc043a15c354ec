"""Unary calls that wait until there is something to say of a flow run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from antiphon.v1 import flow_run_service_pb2 as pb
from antiphon_server.application.core import Changes, Core
from antiphon_server.domain.errors import Unavailable
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import TERMINAL
from antiphon_server.rpc.reads import Reads
from antiphon_server.wire_times import duration_to_micros

T = TypeVar("T")


class Patience:
    """One method for each RPC, for the servicer to delegate to. Belongs to the event loop."""

    def __init__(self, core: Core, reads: Reads) -> None:
        self._reads = reads
        #: Flow run id -> what wakes those who wait for something about it.
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False
        core.listen(self._on_changes)
        core.at_stop(self._close)

    async def receive_inputs(self, request: pb.ReceiveFlowRunInputsRequest) -> pb.ReceiveFlowRunInputsResponse:
        async def look() -> tuple[pb.ReceiveFlowRunInputsResponse, bool]:
            answer = await self._reads.arrived_flow_run_inputs(request)
            return answer, bool(answer.flow_run_inputs)

        wait = duration_to_micros(request.wait_timeout, "wait_timeout")
        return await self._look_until(request.flow_run_id, look, wait)

    async def await_flow_run(self, request: pb.AwaitFlowRunRequest) -> pb.AwaitFlowRunResponse:
        async def look() -> tuple[pb.AwaitFlowRunResponse, bool]:
            run = await self._reads.flow_run(request.id)
            moved = bool(request.state_id) and run.state.id != request.state_id.lower()
            return pb.AwaitFlowRunResponse(flow_run=run), moved or int(run.state.type) in TERMINAL

        wait = duration_to_micros(request.wait_timeout, "wait_timeout")
        return await self._look_until(request.id, look, wait)

    async def _look_until(self, run_id: str, look: Callable[[], Awaitable[tuple[T, bool]]], wait: int) -> T:
        """What `look` finds, once it says that this is worth an answer, or after `wait` microseconds."""
        end = asyncio.get_running_loop().time() + wait / 1e6
        with self._woken(run_id.lower()) as changed:
            while True:
                changed.clear()
                found, enough = await look()
                if enough or not wait:
                    return found
                if self._closed:
                    raise Unavailable("SERVER_STOPPING", "the server is stopping; ask again on the next one")
                try:
                    async with asyncio.timeout_at(end):
                        await changed.wait()
                except TimeoutError:
                    return found

    @contextmanager
    def _woken(self, run_id: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.setdefault(run_id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[run_id].discard(event)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    def _on_changes(self, changes: Changes) -> None:
        if not self._waiting:
            return
        moved = {run_id for kind, run_id in changes.runs if kind is RunKind.FLOW_RUN}
        for run_id in moved | changes.told:
            self._wake(run_id)

    def _close(self) -> None:
        self._closed = True
        for run_id in self._waiting:
            self._wake(run_id)

    def _wake(self, run_id: str) -> None:
        for event in self._waiting.get(run_id, ()):
            event.set()

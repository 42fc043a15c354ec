"""WatchOperation: an operation as it is, again and again until it has ended. Who is slow skips what was overtaken."""

import asyncio
from collections.abc import Awaitable, Callable

from antiphon.v1 import operation_service_pb2 as pb
from antiphon_server.application.core import Changes
from antiphon_server.domain.bulk import BulkState
from antiphon_server.domain.errors import Unavailable
from antiphon_server.rpc.reads import Reads

Send = Callable[[pb.WatchOperationResponse], Awaitable[None]]


class OperationWatches:
    """Serves WatchOperation. Belongs to the event loop."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        #: Operation -> events of those who follow it.
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    def note(self, changes: Changes) -> None:
        """A listener for the core."""
        for id in changes.operations:
            for event in self._waiting.get(id, ()):
                event.set()

    def close(self) -> None:
        """Ends every watch: no change will come any more."""
        self._closed = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def follow(self, id: str, send: Send) -> None:
        """Sends until the operation has ended, which ends the call in peace."""
        event = asyncio.Event()
        self._waiting.setdefault(id, set()).add(event)
        try:
            await self._follow(id, event, send)
        finally:
            self._waiting[id].discard(event)
            if not self._waiting[id]:
                del self._waiting[id]

    async def _follow(self, id: str, event: asyncio.Event, send: Send) -> None:
        told = None
        while True:
            # What changes from here on is heard of, and what changed before is read.
            event.clear()
            operation = await self._reads.get_operation(id)
            if operation != told:
                await send(pb.WatchOperationResponse(operation=operation))
                told = operation
            if int(operation.state) != BulkState.RUNNING:
                return
            if self._closed:
                raise Unavailable("SERVER_STOPPING", "the server is stopping; watch again on the next one")
            await event.wait()

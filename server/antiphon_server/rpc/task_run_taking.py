"""TakeTaskRuns: what the dispatch offers to a worker, sent on the worker's stream."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from antiphon.v1 import task_run_service_pb2 as pb
from antiphon_server.application.task_dispatch import TaskDispatch, Worker
from antiphon_server.domain.errors import AntiphonError, Internal, InvalidArgument, ResourceExhausted, Unavailable
from antiphon_server.rpc.read_conversions import Record, task_run_message

Send = Callable[[pb.TakeTaskRunsResponse], Awaitable[None]]

#: Tasks that one worker may serve.
MAX_TASK_KEYS = 10_000
#: Of one message, unless its first run alone is larger.
MAX_MESSAGE_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)


class TaskRunTaking:
    """Serves TakeTaskRuns. Belongs to the event loop."""

    def __init__(self, dispatch: TaskDispatch) -> None:
        self._dispatch = dispatch
        self._streams: set[_Stream] = set()
        self._closed = False

    def close(self) -> None:
        """Ends every stream: nothing will be handed out any more."""
        self._closed = True
        for stream in self._streams:
            stream.end(_stopping())

    async def take(self, requests: AsyncIterator[pb.TakeTaskRunsRequest], send: Send) -> None:
        """Sends until the client has half-closed."""
        first = await anext(aiter(requests), None)
        if first is None:
            return
        if not first.task_keys:
            raise InvalidArgument(
                "TASK_KEYS_MISSING", "name the tasks to take runs of in the first request", field="task_keys"
            )
        if self._closed:
            raise _stopping()
        stream = _Stream()
        worker = Worker(stream.deliver)
        self._streams.add(stream)
        reading = asyncio.ensure_future(self._read(stream, worker, requests))
        try:
            await send(pb.TakeTaskRunsResponse())
            self._dispatch.serve(worker, first.task_keys, first.credit)
            await stream.pump(send)
        finally:
            reading.cancel()
            self._streams.discard(stream)
            self._dispatch.leave(worker)

    async def _read(self, stream: "_Stream", worker: Worker, requests: AsyncIterator[pb.TakeTaskRunsRequest]) -> None:
        try:
            async for request in requests:
                self._dispatch.serve(worker, request.task_keys, request.credit)
                if len(worker.task_keys) > MAX_TASK_KEYS:
                    raise ResourceExhausted(
                        "TOO_MANY_TASK_KEYS", f"more than {MAX_TASK_KEYS:,} tasks on one stream; open another one"
                    )
            stream.end()
        except AntiphonError as error:
            stream.end(error)
        except Exception:
            logger.exception("a request for task runs could not be read")
            stream.end(Internal("INTERNAL", "a request could not be read by a bug of the server; see its log"))


class _Stream:
    """What waits to be sent to one worker, which is bounded by the worker's credit."""

    def __init__(self) -> None:
        self._queue: deque[Record] = deque()
        self._wake = asyncio.Event()
        self._ending = False
        self._error: AntiphonError | None = None

    def deliver(self, rows: Sequence[Record]) -> None:
        self._queue.extend(rows)
        self._wake.set()

    def end(self, error: AntiphonError | None = None) -> None:
        if not self._ending:
            self._ending, self._error = True, error
            self._wake.set()

    async def pump(self, send: Send) -> None:
        """Sends until the stream ends; what is not sent by then is offered to others."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self._ending:
                await send(self._next_message())
            if self._ending:
                if self._error is not None:
                    raise self._error
                return

    def _next_message(self) -> pb.TakeTaskRunsResponse:
        message, size = pb.TakeTaskRunsResponse(), 0
        while self._queue and size < MAX_MESSAGE_BYTES:
            run = task_run_message(self._queue.popleft())
            message.task_runs.append(run)
            size += run.ByteSize()
        return message


def _stopping() -> Unavailable:
    return Unavailable("SERVER_STOPPING", "the server is stopping; take task runs from the next one", retry_after=0)

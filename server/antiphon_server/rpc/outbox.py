"""What waits to be sent on a stream, and how that ends."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from antiphon.v1 import session_pb2
from antiphon_server.domain.errors import AntiphonError, ResourceExhausted
from antiphon_server.rpc.budget import Budget

#: A reader that lets this many frames, or bytes, pile up is cut; it comes again and is told what it has not heard.
MAX_QUEUED_FRAMES = 16_384
MAX_QUEUED_BYTES = 32 * 1024 * 1024
#: Ids of commands that a stream remembers.
MOST_TOLD = 1_000

F = TypeVar("F", bound=Any)
M = TypeVar("M")


class Outbox(ABC, Generic[F, M]):
    """Frames of one stream, sent in messages of the kind M. All methods belong to the event loop."""

    def __init__(self, outgoing: Budget) -> None:
        self._queue: deque[F] = deque()
        self._outgoing = outgoing
        self._bytes = 0
        self._wake = asyncio.Event()
        self._ending = False
        self._error: AntiphonError | None = None

    @abstractmethod
    def _message_of(self, queue: deque[F]) -> tuple[M, int]:
        """A message of the first frames, which are taken out, and their bytes."""

    def push(self, frames: Iterable[F]) -> None:
        """Queues frames; nothing happens on a stream that has ended."""
        if self._ending:
            return
        size = 0
        for frame in frames:
            self._queue.append(frame)
            size += frame.ByteSize()
        self._bytes += size
        self._outgoing.take(size)
        if self._has_too_much():
            self._drop()
            self.end(
                ResourceExhausted(
                    "SLOW_READER", "answers piled up because the client does not read them; attach again", retry_after=0
                )
            )
        self._wake.set()

    def _has_too_much(self) -> bool:
        too_much = len(self._queue) > MAX_QUEUED_FRAMES or self._bytes > MAX_QUEUED_BYTES
        return too_much or self._outgoing.too_much(self._bytes)

    def _let_go(self, size: int) -> None:
        self._bytes -= size
        self._outgoing.give(size)

    def _drop(self) -> None:
        self._queue.clear()
        self._let_go(self._bytes)

    def over(self) -> None:
        """Nothing will be sent any more."""
        self._ending = True
        self._drop()

    def end(self, error: AntiphonError | None = None) -> None:
        """Ends the stream once what is queued was sent: with `error`, or in peace."""
        if not self._ending:
            self._ending, self._error = True, error
            self._wake.set()

    async def pump(self, send: Callable[[M], Awaitable[None]]) -> None:
        """Sends what is queued until the stream ends; raises what it ends with."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                message, size = self._message_of(self._queue)
                self._let_go(size)
                await send(message)
            if self._ending:
                if self._error is not None:
                    raise self._error
                return


class CommandedStream(Outbox[F, M]):
    """The stream of a session, which is told commands."""

    def __init__(self, session_id: str, epoch: int, outgoing: Budget) -> None:
        super().__init__(outgoing)
        self.session_id = session_id
        self.epoch = epoch
        #: Ids of the last commands that were sent on this stream: they may be read, and heard of, too.
        self._told: dict[str, None] = {}

    @abstractmethod
    def _command_frame(self, command: session_pb2.Command) -> F: ...

    def tell(self, command: session_pb2.Command) -> None:
        """Queues a command, once."""
        if command.id in self._told:
            return
        if command.id:
            self._told[command.id] = None
            if len(self._told) > MOST_TOLD:
                del self._told[next(iter(self._told))]
        self.push([self._command_frame(command)])

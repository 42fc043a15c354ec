"""One attached control stream: what waits to be sent on it, and how it ends."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from antiphon.v1 import session_pb2, session_service_pb2
from antiphon_server.domain.errors import AntiphonError, ResourceExhausted

#: A reader that lets this many frames, or bytes, pile up is cut; it attaches again and sends again what has no answer.
MAX_QUEUED_FRAMES = 16_384
MAX_QUEUED_BYTES = 32 * 1024 * 1024
#: Nothing more is read while messages of so many bytes are unanswered.
MAX_UNANSWERED_BYTES = 32 * 1024 * 1024
#: One message on the wire.
MAX_MESSAGE_FRAMES = 1024
MAX_MESSAGE_BYTES = 1024 * 1024

Send = Callable[[session_service_pb2.AttachResponse], Awaitable[None]]


class SessionStream:
    """The server's end of a control stream. All methods belong to the event loop."""

    def __init__(self, session_id: str, epoch: int) -> None:
        self.session_id = session_id
        self.epoch = epoch
        #: Durable frames that were read and are not answered.
        self.unanswered = 0
        #: Messages of any kind that were read and are not answered, and their bytes.
        self.messages = 0
        self.unanswered_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        #: Ids of the commands that were sent on this stream; None once no command can come twice.
        self._told: set[str] | None = set()
        self._queue: deque[session_pb2.ServerFrame] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._ending = False
        self._error: AntiphonError | None = None

    def took(self, frames: int, size: int) -> None:
        """Notes a message that was read."""
        self.unanswered += frames
        self.messages += 1
        self.unanswered_bytes += size
        if self.unanswered_bytes > MAX_UNANSWERED_BYTES:
            self._room.clear()

    def answered(self, frames: int, size: int) -> None:
        """Notes that the answers to it are made."""
        self.unanswered -= frames
        self.messages -= 1
        self.unanswered_bytes -= size
        if self.unanswered_bytes <= MAX_UNANSWERED_BYTES:
            self._room.set()

    async def room(self) -> None:
        """Returns when another message may be read. Until then HTTP/2 makes the client wait."""
        await self._room.wait()

    def push(self, frames: Iterable[session_pb2.ServerFrame]) -> None:
        """Queues frames; nothing happens on a stream that has ended."""
        if self._ending:
            return
        for frame in frames:
            self._queue.append(frame)
            self._bytes += frame.ByteSize()
        if len(self._queue) > MAX_QUEUED_FRAMES or self._bytes > MAX_QUEUED_BYTES:
            self._queue.clear()
            self.end(
                ResourceExhausted(
                    "SLOW_READER", "answers piled up because the client does not read them; attach again", retry_after=0
                )
            )
        self._wake.set()

    def tell(self, command: session_pb2.Command) -> None:
        """Queues a command, once."""
        if self._told is not None:
            if command.id in self._told:
                return
            self._told.add(command.id)
        self.push([session_pb2.ServerFrame(command=command)])

    def caught_up(self) -> None:
        """The commands from before this stream were sent: those to come are all new."""
        self._told = None

    def end(self, error: AntiphonError | None = None) -> None:
        """Ends the stream once what is queued was sent: with `error`, or in peace."""
        if not self._ending:
            self._ending, self._error = True, error
            self._wake.set()

    async def pump(self, send: Send) -> None:
        """Sends what is queued, many frames in a message, until the stream ends; raises what it ends with."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await send(self._next_message())
            if self._ending:
                if self._error is not None:
                    raise self._error
                return

    def _next_message(self) -> session_service_pb2.AttachResponse:
        frames: list[session_pb2.ServerFrame] = []
        size = 0
        while self._queue and len(frames) < MAX_MESSAGE_FRAMES and size < MAX_MESSAGE_BYTES:
            frame = self._queue.popleft()
            frames.append(frame)
            size += frame.ByteSize()
        self._bytes -= size
        return session_service_pb2.AttachResponse(frames=frames)


class SessionHub:
    """Which stream speaks for which session in this process."""

    def __init__(self) -> None:
        self._streams: dict[str, SessionStream] = {}
        self.draining: session_pb2.ServerFrame | None = None
        #: Set when nothing more will be taken in.
        self.closed = asyncio.Event()

    def attach(self, stream: SessionStream, superseded: AntiphonError) -> None:
        """Makes `stream` the one of its session; an older one ends with `superseded`."""
        older = self._streams.get(stream.session_id)
        self._streams[stream.session_id] = stream
        if older is not None:
            older.end(superseded)

    def detach(self, stream: SessionStream) -> None:
        if self._streams.get(stream.session_id) is stream:
            del self._streams[stream.session_id]

    def push(self, session_id: str, frame: session_pb2.ServerFrame) -> None:
        """Sends to a session that is attached here; another one learns it when it attaches and asks again."""
        stream = self._streams.get(session_id)
        if stream is not None:
            stream.push([frame])

    def tell(self, session_id: str, command: session_pb2.Command) -> None:
        """The same for a command, which is sent once on a stream."""
        stream = self._streams.get(session_id)
        if stream is not None:
            stream.tell(command)

    def end(self, session_id: str, error: AntiphonError) -> None:
        stream = self._streams.get(session_id)
        if stream is not None:
            stream.end(error)

    def drain(self, frame: session_pb2.ServerFrame) -> None:
        """Tells every session, and those that attach from now on, that the server is about to stop."""
        self.draining = frame
        for stream in self._streams.values():
            stream.push([frame])

    def end_all(self, error: AntiphonError) -> None:
        """Ends every stream once what it has queued was sent."""
        self.closed.set()
        for stream in self._streams.values():
            stream.end(error)

    def __len__(self) -> int:
        return len(self._streams)

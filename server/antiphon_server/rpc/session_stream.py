"""One attached control stream: what waits to be sent on it, and how it ends."""

import asyncio
from collections import deque
from typing import Any

from antiphon.v1 import session_pb2, session_service_pb2
from antiphon_server.domain.errors import Aborted, AntiphonError
from antiphon_server.rpc.admission import Gates
from antiphon_server.rpc.budget import Budget
from antiphon_server.rpc.outbox import CommandedStream

#: Nothing more is read while messages of so many bytes are unanswered.
MAX_UNANSWERED_BYTES = 32 * 1024 * 1024
#: One message on the wire.
MAX_MESSAGE_FRAMES = 1024
MAX_MESSAGE_BYTES = 1024 * 1024


class SessionStream(CommandedStream[session_pb2.ServerFrame, session_service_pb2.AttachResponse]):
    """The server's end of a control stream. All methods belong to the event loop."""

    def __init__(self, session_id: str, epoch: int, incoming: Budget, outgoing: Budget) -> None:
        super().__init__(session_id, epoch, outgoing)
        self._incoming = incoming
        #: Durable frames that were read and are not answered.
        self.unanswered = 0
        #: Messages of any kind that were read and are not answered, and their bytes.
        self.messages = 0
        self.unanswered_bytes = 0
        self._answered = asyncio.Event()

    def took(self, frames: int, size: int) -> None:
        """Notes a message that was read."""
        self.unanswered += frames
        self.messages += 1
        self.unanswered_bytes += size
        self._incoming.take(size)

    def answered(self, frames: int, size: int) -> None:
        """Notes that the answers to it are made."""
        self.unanswered -= frames
        self.messages -= 1
        self.unanswered_bytes -= size
        self._incoming.give(size)
        self._answered.set()

    async def room(self) -> None:
        """Returns when another message may be read. Until then HTTP/2 makes the client wait."""
        while self.unanswered_bytes > MAX_UNANSWERED_BYTES or self._incoming.too_much(self.unanswered_bytes):
            self._answered.clear()
            await self._answered.wait()

    def _command_frame(self, command: session_pb2.Command) -> session_pb2.ServerFrame:
        return session_pb2.ServerFrame(command=command)

    def _message_of(self, queue: deque[session_pb2.ServerFrame]) -> tuple[session_service_pb2.AttachResponse, int]:
        frames: list[session_pb2.ServerFrame] = []
        size = 0
        while queue and len(frames) < MAX_MESSAGE_FRAMES and size < MAX_MESSAGE_BYTES:
            frame = queue.popleft()
            frames.append(frame)
            size += frame.ByteSize()
        return session_service_pb2.AttachResponse(frames=frames), size


class SessionHub:
    """Which stream speaks for which session in this process."""

    def __init__(self, gates: Gates) -> None:
        self._streams: dict[str, CommandedStream[Any, Any]] = {}
        self.gates = gates
        #: What streams are told that attach while the server is about to stop.
        self.draining: session_pb2.Command | None = None
        #: Set when nothing more will be taken in.
        self.closed = asyncio.Event()

    def attach(self, stream: CommandedStream[Any, Any]) -> None:
        """Makes `stream` the one of its session, and ends an older one."""
        self.end_older(stream.session_id, stream.epoch)
        self._streams[stream.session_id] = stream
        self._share_out()

    def end_older(self, session_id: str, epoch: int) -> None:
        """Ends the stream of a session that attached again with a new epoch, here or at another server."""
        older = self._streams.get(session_id)
        if older is not None and older.epoch < epoch:
            older.end(
                Aborted(
                    "SESSION_SUPERSEDED",
                    f"session {session_id} attached again (epoch {epoch}); this stream must not be used any more",
                )
            )

    def stream(self, session_id: str) -> CommandedStream[Any, Any] | None:
        """That of a session which is attached here."""
        return self._streams.get(session_id)

    def detach(self, stream: CommandedStream[Any, Any]) -> None:
        if self._streams.get(stream.session_id) is stream:
            del self._streams[stream.session_id]
        self._share_out()

    def _share_out(self) -> None:
        self.gates.incoming.sharers = self.gates.outgoing.sharers = len(self._streams)

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

    def drain(self, command: session_pb2.Command) -> None:
        """Tells every session, and those that attach from now on, that the server is about to stop."""
        self.draining = command
        for stream in self._streams.values():
            stream.tell(command)

    def end_all(self, error: AntiphonError) -> None:
        """Ends every stream once what it has queued was sent."""
        self.closed.set()
        for stream in self._streams.values():
            stream.end(error)

    def attached(self) -> frozenset[str]:
        """The sessions that are attached now."""
        return frozenset(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

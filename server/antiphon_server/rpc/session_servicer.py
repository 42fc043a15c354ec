"""SessionService: the control stream, its unary twin, and the bulk stream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from antiphon.v1 import session_pb2, session_service_pb2, session_service_pb2_grpc
from antiphon_server.application.core import Changes, Core, Operation
from antiphon_server.application.logs import CreateLogs
from antiphon_server.application.sessions import (
    OpenSession,
    ReadCommands,
    ResumeSession,
    SpeakOnSession,
    Spoken,
)
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.domain.errors import (
    AntiphonError,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
)
from antiphon_server.domain.sessions import Session
from antiphon_server.rpc.call_facts import note_session
from antiphon_server.rpc.frames import answer_frames, error_frame, leave_out_data, read_message
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.outbox import CommandedStream
from antiphon_server.rpc.session_stream import SessionHub, SessionStream
from antiphon_server.rpc.validation import check, check_items
from antiphon_server.rpc.write_conversions import command_to, sort_lines
from antiphon_server.wire_times import micros_to_duration

logger = logging.getLogger(__name__)

#: Durable frames that a session may have unanswered; told in Welcome.
MAX_UNACKED_FRAMES = 8192
#: Messages with frames or heartbeats that may be unanswered, so that a flood of heartbeats is bounded too.
MAX_UNANSWERED_MESSAGES = 2 * MAX_UNACKED_FRAMES


class SessionServicer(session_service_pb2_grpc.SessionServiceServicer):
    """`ttl` in microseconds: a session not heard of for so long is lost."""

    def __init__(self, core: Core, hub: SessionHub, tokens: ResumeTokens, ttl: int) -> None:
        self._core = core
        self._hub = hub
        self._tokens = tokens
        self._ttl = ttl
        core.listen(self._on_changes)

    def _on_changes(self, changes: Changes) -> None:
        for row in changes.commands:
            self._hub.tell(row["session_id"], command_to(row))
        for session_id, epoch in changes.resumed.items():
            self._hub.end_older(session_id, epoch)
        for session_id, command_id in changes.commanded:
            stream = self._hub.stream(session_id)
            if stream is not None:
                self._core.submit(ReadCommands(session_id, command_id), partial(tell_all, stream))
        loop = asyncio.get_running_loop()
        for session_id in changes.ended_sessions:
            error = FailedPrecondition("SESSION_EXPIRED", f"session {session_id} has ended; open a new one")
            # Not before the answers of this very commit: those to what was said with Goodbye are among them.
            loop.call_soon(self._hub.end, session_id, error)

    # The control stream

    async def Attach(  # type: ignore[override]  # the stubs know generators only, the library takes this too
        self, request_iterator: AsyncIterator[session_service_pb2.AttachRequest], context: Any
    ) -> None:
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None:
            return
        hello = _hello(first.frames)
        check(hello, "frames[0].hello.")
        check_items(first, "frames")
        gates = self._hub.gates
        with gates.arrivals.passed():
            session: Session = await self._core.run(self._attaching(hello))
        note_session(session.id)
        stream = SessionStream(session.id, session.epoch, gates.incoming, gates.outgoing)
        self._hub.attach(stream)
        stream.push([session_pb2.ServerFrame(welcome=self._welcome(session))])
        if hello.resume_token:
            # Read now, since those of the moment between the two would else be told to nobody.
            self._core.submit(ReadCommands(stream.session_id), partial(tell_all, stream), owner=stream.session_id)
        if self._hub.draining is not None:
            stream.tell(self._hub.draining)
        reader = asyncio.ensure_future(self._read(stream, first.frames[1:], requests))
        try:
            await stream.pump(context.write)
        finally:
            self._hub.detach(stream)
            stream.over()
            reader.cancel()

    async def _read(
        self,
        stream: SessionStream,
        rest: Sequence[session_pb2.ClientFrame],
        requests: AsyncIterator[session_service_pb2.AttachRequest],
    ) -> None:
        """Takes in what the client says until it stops; whatever goes wrong ends the stream."""
        try:
            if rest:
                self._receive(stream, session_service_pb2.AttachRequest(frames=rest))
            async for request in requests:
                self._receive(stream, request)
                await stream.room()
            # The client half-closed: what it asked for is still answered, since one more turn comes after its frames.
            nothing = SpeakOnSession(stream.session_id, stream.epoch, self._ttl)
            self._core.submit(nothing, lambda answer: stream.end(), owner=stream.session_id)
        except AntiphonError as error:
            stream.end(error)
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("a message of session %(session_id)s could not be read", {"session_id": stream.session_id})
            stream.end(Internal("INTERNAL", "a message could not be read by a bug of the server; see its log"))

    def _receive(self, stream: SessionStream, request: session_service_pb2.AttachRequest) -> None:
        message = read_message(request.frames, stream.session_id, check_items(request, "frames"))
        size = request.ByteSize()
        stream.took(len(message.frames), size)
        if stream.unanswered > MAX_UNACKED_FRAMES or stream.messages > MAX_UNANSWERED_MESSAGES:
            raise ResourceExhausted(
                "WINDOW_EXCEEDED",
                f"more than {MAX_UNACKED_FRAMES} frames or {MAX_UNANSWERED_MESSAGES} messages are unanswered; keep to "
                "Welcome.max_unacked_frames",
            )
        operation = SpeakOnSession(stream.session_id, stream.epoch, self._ttl, message.frames, message.goodbye)
        done = partial(self._spoken, stream, len(message.frames), size, message.heartbeats)
        self._core.submit(operation, done, owner=stream.session_id, weight=len(message.frames) or 1)

    def _spoken(
        self, stream: SessionStream, count: int, size: int, heartbeats: int, answer: Spoken | Exception
    ) -> None:
        stream.answered(count, size)
        if isinstance(answer, AntiphonError):
            stream.end(answer)
            return
        if isinstance(answer, Exception):
            stream.end(Internal("INTERNAL", "the frames could not be committed by a bug of the server; see its log"))
            return
        try:
            frames = answer_frames(answer)
        except Exception:  # Else the client would wait for answers that never come.
            logger.exception(
                "the answers to session %(session_id)s could not be made", {"session_id": stream.session_id}
            )
            stream.end(Internal("INTERNAL", "the answers could not be made by a bug of the server; see its log"))
            return
        frames.extend(_HEARTBEAT_ACK for _ in range(heartbeats))
        stream.push(frames)
        if answer.fatal is not None:
            stream.end(answer.fatal)

    # Its unary twin

    async def OpenSession(
        self, request: session_service_pb2.OpenSessionRequest, context: Any
    ) -> session_service_pb2.OpenSessionResponse:
        return await mutate(
            self._core,
            request,
            self._attaching(request.hello),
            session_service_pb2.OpenSessionResponse,
            lambda _, session: session_service_pb2.OpenSessionResponse(welcome=self._welcome(session)),
        )

    async def ExchangeFrames(
        self, request: session_service_pb2.ExchangeFramesRequest, context: Any
    ) -> session_service_pb2.ExchangeFramesResponse:
        check_frame = check_items(request, "frames")
        session_id = self._tokens.session_id(request.resume_token)
        message = read_message(request.frames, session_id, check_frame)
        operation = SpeakOnSession(
            session_id, request.epoch, self._ttl, message.frames, message.goodbye, with_commands=True
        )
        spoken: Spoken = await self._core.run(operation, owner=session_id, weight=len(message.frames) or 1)
        if spoken.fatal is not None and not spoken.answers:
            raise spoken.fatal
        frames = answer_frames(spoken)
        leave_out_data(frames)
        if spoken.fatal is not None:
            frames.append(error_frame(message.frames[len(spoken.answers)].sequence, spoken.fatal))
        frames.extend(session_pb2.ServerFrame(command=command_to(row)) for row in spoken.commands)
        frames.extend(_HEARTBEAT_ACK for _ in range(message.heartbeats))
        return session_service_pb2.ExchangeFramesResponse(frames=frames)

    def _attaching(self, hello: session_pb2.Hello) -> Operation:
        return attaching(hello.resume_token, hello.client, self._tokens, self._ttl)

    def _welcome(self, session: Session) -> session_pb2.Welcome:
        return session_pb2.Welcome(
            session_id=session.id,
            resume_token=self._tokens.issue(session.id),
            epoch=session.epoch,
            committed_sequence=session.sequence,
            ttl_timeout=micros_to_duration(self._ttl),
            max_unacked_frames=MAX_UNACKED_FRAMES,
        )

    # The bulk stream

    async def Upload(  # type: ignore[override]
        self, request_iterator: AsyncIterator[session_service_pb2.UploadRequest], context: Any
    ) -> None:
        incoming = self._hub.gates.incoming
        async for request in _until(self._hub.closed, request_iterator):
            rows, refused = sort_lines(request)
            with incoming.held_for(request.ByteSize()):
                await self._core.run(CreateLogs(rows), bulk=True)
            await context.write(session_service_pb2.UploadResponse(sequence=request.sequence, refused=refused))
            # Until then HTTP/2 makes the client wait.
            await incoming.room()


def tell_all(stream: CommandedStream[Any, Any], answer: list[dict[str, Any]] | Exception) -> None:
    """Sends the commands that were read from before the stream."""
    if isinstance(answer, AntiphonError):
        stream.end(answer)
    elif isinstance(answer, Exception):
        stream.end(Internal("INTERNAL", "the commands could not be read by a bug of the server; see its log"))
    else:
        for row in answer:
            stream.tell(command_to(row))


async def _until(
    closed: asyncio.Event, requests: AsyncIterator[session_service_pb2.UploadRequest]
) -> AsyncIterator[session_service_pb2.UploadRequest]:
    """The requests, until the client has no more; raises Unavailable when the server closes before."""
    end = asyncio.ensure_future(closed.wait())
    try:
        while True:
            following = asyncio.ensure_future(anext(requests, None))
            await asyncio.wait({following, end}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                raise Unavailable("SERVER_STOPPING", "the server is stopping; upload to the next one", retry_after=0)
            request = following.result()
            if request is None:
                return
            yield request
    finally:
        end.cancel()


_HEARTBEAT_ACK = session_pb2.ServerFrame(heartbeat_ack=session_pb2.HeartbeatAck())


def _hello(frames: Sequence[session_pb2.ClientFrame]) -> session_pb2.Hello:
    if not frames or frames[0].WhichOneof("body") != "hello":
        raise InvalidArgument(
            "HELLO_MISSING", "a stream begins with Hello; send it first, alone or before others", field="frames[0]"
        )
    return frames[0].hello


def attaching(resume_token: str, client: str, tokens: ResumeTokens, ttl: int) -> OpenSession | ResumeSession:
    """What a stream begins with: a new session or, by a token, one that goes on. Raises Unauthenticated for a token
    that is forged."""
    if not resume_token:
        return OpenSession(client, ttl)
    return ResumeSession(tokens.session_id(resume_token), client, ttl)

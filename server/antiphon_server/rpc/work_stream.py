"""The stream of one worker: what it says, and what it is told."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial

from antiphon.v1 import session_pb2
from antiphon.v1 import work_service_pb2 as pb
from antiphon_server.application.core import Core, Operation
from antiphon_server.application.sessions import LeaveSession, NoteCommandResult, OnSession
from antiphon_server.application.takers import Parcel, Taker
from antiphon_server.application.work_dispatch import WorkDispatch
from antiphon_server.application.worker_claims import NoteExit, NoteStart
from antiphon_server.domain.errors import AntiphonError, Internal, InvalidArgument
from antiphon_server.rpc.budget import Budget
from antiphon_server.rpc.outbox import CommandedStream
from antiphon_server.rpc.validation import check
from antiphon_server.rpc.worker_conversions import claim_from, exit_in_words, offer_message

logger = logging.getLogger(__name__)

#: Seconds for which a run is not offered again to who declined it and did not say for how long.
RETRY_AFTER = 10.0
#: Bytes that wait to be sent beyond which no offer is added: a worker that reads is not cut for what it is offered.
MAX_QUEUED_OFFERS = 1024 * 1024
#: Messages of a worker that wait to be committed beyond which no other is read: as many as fit into a transaction.
MAX_UNANSWERED = 256


class WorkStream(CommandedStream[pb.WorkResponse, pb.WorkResponse]):
    """What waits to be sent to a worker."""

    def __init__(self, session_id: str, epoch: int, outgoing: Budget) -> None:
        super().__init__(session_id, epoch, outgoing)
        self._sent = asyncio.Event()

    async def deliver(self, parcel: Parcel) -> None:
        """Queues an offer; returns when there is room for another one."""
        self.push([offer_message(parcel)])
        while self._bytes > MAX_QUEUED_OFFERS:
            self._sent.clear()
            await self._sent.wait()

    def _command_frame(self, command: session_pb2.Command) -> pb.WorkResponse:
        return pb.WorkResponse(command=command)

    def _message_of(self, queue: deque[pb.WorkResponse]) -> tuple[pb.WorkResponse, int]:
        message = queue.popleft()
        self._sent.set()
        return message, message.ByteSize()


class WorkerSays:
    """Does what a worker says on its stream. `leave` is called before its session ends for good."""

    def __init__(
        self,
        core: Core,
        dispatch: WorkDispatch,
        ttl: int,
        stream: WorkStream,
        taker: Taker,
        leave: Callable[[], None],
    ) -> None:
        self._core = core
        self._dispatch = dispatch
        self._ttl = ttl
        self._stream = stream
        self._taker = taker
        self._leave = leave
        #: Messages that were read and are not committed.
        self._unanswered = 0
        self._answered = asyncio.Event()
        self._do: dict[str, Callable[[pb.WorkRequest], None]] = {
            "credit": self._credit,
            "answer": self._answer,
            "started": self._started,
            "exited": self._exited,
            "command_result": self._command_result,
            "heartbeat": self._heartbeat,
            "goodbye": self._goodbye,
        }

    async def listen(self, requests: AsyncIterator[pb.WorkRequest]) -> None:
        """Until the worker says no more; whatever goes wrong ends the stream."""
        try:
            async for request in requests:
                check(request)
                kind = request.WhichOneof("body")
                do = self._do.get(kind or "")
                if do is None:
                    what = "WorkerHello is the first message of a stream and only that" if kind else "it has no body"
                    raise InvalidArgument(
                        "FRAME_INVALID", f"{what}, or is of a kind that this server does not know", field="body"
                    )
                self._dispatch.heard(self._taker)
                do(request)
                await self._at_most(MAX_UNANSWERED)
            # It half-closed, or was cut, which is no sign of life: what it said before is still answered.
            await self._at_most(0)
            self._stream.end()
        except AntiphonError as error:
            self._stream.end(error)
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("what worker %s said could not be done", self._taker.name)
            self._stream.end(Internal("INTERNAL", "a message could not be read by a bug of the server; see its log"))

    async def _at_most(self, unanswered: int) -> None:
        """Returns when no more messages than that wait to be committed."""
        while self._unanswered > unanswered:
            self._answered.clear()
            await self._answered.wait()

    def _credit(self, request: pb.WorkRequest) -> None:
        if request.credit.none:
            self._dispatch.no_more(self._taker)
        if request.credit.runs:
            self._dispatch.credit(self._taker, request.credit.runs)

    def _answer(self, request: pb.WorkRequest) -> None:
        answer = request.answer
        claim = claim_from(answer.claim)
        if answer.decision == pb.OFFER_DECISION_TAKEN:
            self._dispatch.taken(claim)
            return
        after = answer.retry_after.ToTimedelta().total_seconds() if answer.HasField("retry_after") else RETRY_AFTER
        self._dispatch.declined(self._taker, claim, answer.reason, after)

    def _started(self, request: pb.WorkRequest) -> None:
        report = request.started
        start = NoteStart(self._taker.session_id, claim_from(report.claim), report.infrastructure_pid)
        self._say(start, partial(self._tell, pb.WorkResponse(recorded=pb.Recorded(claim=report.claim))))

    def _exited(self, request: pb.WorkRequest) -> None:
        report = request.exited
        claim = claim_from(report.claim)
        # It may come before the answer to the offer, or in its place.
        self._dispatch.taken(claim)
        said = NoteExit(self._taker.session_id, claim, exit_in_words(report))
        self._say(said, partial(self._tell, pb.WorkResponse(recorded=pb.Recorded(claim=report.claim, exited=True))))

    def _command_result(self, request: pb.WorkRequest) -> None:
        result = request.command_result
        self._say(NoteCommandResult(self._taker.session_id, result.command_id.lower(), result.stage, result.message))

    def _heartbeat(self, request: pb.WorkRequest) -> None:
        self._say(None, partial(self._tell, pb.WorkResponse(heartbeat_ack=session_pb2.HeartbeatAck())))

    def _goodbye(self, request: pb.WorkRequest) -> None:
        why = f"{self._taker.name} went away: {request.goodbye.reason or 'it did not say why'}"
        self._leave()
        self._submit(LeaveSession(self._stream.session_id, self._stream.epoch, why), self._stream.end)

    def _tell(self, response: pb.WorkResponse) -> None:
        self._stream.push([response])

    def _say(self, operation: Operation | None, then: Callable[[], None] | None = None) -> None:
        """Has something committed with a sign of life."""
        self._submit(OnSession(self._stream.session_id, self._stream.epoch, self._ttl, operation), then)

    def _submit(self, operation: Operation, then: Callable[[], None] | None) -> None:
        """What is said next does not wait for the commit, but comes after it; `then` is called once it is there."""
        self._unanswered += 1
        self._core.submit(operation, partial(self._committed, then), owner=self._stream.session_id)

    def _committed(self, then: Callable[[], None] | None, answer: object) -> None:
        self._unanswered -= 1
        self._answered.set()
        if isinstance(answer, AntiphonError):
            self._stream.end(answer)
        elif isinstance(answer, Exception):
            what = "a message could not be committed by a bug of the server; see its log"
            self._stream.end(Internal("INTERNAL", what))
        elif then is not None:
            then()

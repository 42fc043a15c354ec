"""A bare client of the session stream, with nothing of the SDK's session: what it measures is the server."""

import queue
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import grpc
from uuid_utils import uuid7

from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit
from antiphon.v1.concurrency_limit_service_pb2 import CreateConcurrencyLimitRequest
from antiphon.v1.concurrency_limit_service_pb2_grpc import ConcurrencyLimitServiceStub
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_pb2 import ClientFrame, Hello, ServerFrame, Welcome
from antiphon.v1.session_service_pb2 import AttachRequest, AttachResponse
from antiphon.v1.session_service_pb2_grpc import SessionServiceStub
from antiphon.v1.state_pb2 import (
    STATE_TYPE_COMPLETED,
    STATE_TYPE_PENDING,
    STATE_TYPE_RUNNING,
    State,
    StateType,
)
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT, Proposal, Verdict

#: A run's whole life, as the SDK would propose it.
LIFE: tuple[StateType, ...] = (STATE_TYPE_PENDING, STATE_TYPE_RUNNING, STATE_TYPE_COMPLETED)
FRAMES_IN_A_MESSAGE = 128
_OPTIONS = (("grpc.max_receive_message_length", 64 * 1024 * 1024), ("grpc.enable_http_proxy", 0))


def new_id() -> str:
    return str(uuid7())


def new_flow_run() -> FlowRun:
    return FlowRun(id=new_id(), flow_name="bench")


def new_task_run(flow_run_id: str, *tags: str) -> TaskRun:
    task_run_id = new_id()
    return TaskRun(id=task_run_id, flow_run_id=flow_run_id, task_key="bench", dynamic_key=task_run_id, tags=tags)


def propose_task(task_run_id: str, state: StateType, *, cache_key: str = "") -> Proposal:
    proposal = Proposal(transition_id=new_id(), task_run_id=task_run_id, state=State(type=state))
    if cache_key:
        proposal.state.details.cache_key = cache_key
    return proposal


def limit_tag(target: str, slots: int) -> str:
    """Makes a limit for a new tag and gives the tag."""
    tag = new_id()
    with grpc.insecure_channel(target, options=_OPTIONS) as channel:
        limit = ConcurrencyLimit(name=f"tag:{tag}", limit=slots)
        ConcurrencyLimitServiceStub(channel).CreateConcurrencyLimit(
            CreateConcurrencyLimitRequest(concurrency_limit=limit)
        )
    return tag


def propose_flow(flow_run_id: str, state: StateType) -> Proposal:
    return Proposal(transition_id=new_id(), flow_run_id=flow_run_id, state=State(type=state))


def accepted(verdict: Verdict) -> None:
    """A measured proposal must be accepted, or the figure would count refusals."""
    if verdict.kind != VERDICT_KIND_ACCEPT:
        raise RuntimeError(f"a proposal was not accepted: {verdict}")


class Stream:
    """One session on one control stream. Not for several threads."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._outgoing: queue.SimpleQueue[AttachRequest | None] = queue.SimpleQueue()
        self._incoming: Iterator[AttachResponse] = SessionServiceStub(self._channel).Attach(
            iter(self._outgoing.get, None)
        )
        self._sequence = 0
        self._acked = 0
        self._verdicts_due = 0
        self._outgoing.put(AttachRequest(frames=[ClientFrame(hello=Hello(client="antiphon bench"))]))
        self.welcome: Welcome = next(self._incoming).frames[0].welcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outgoing.put(None)
        self._channel.close()

    def pack(self, bodies: Sequence[FlowRun | TaskRun | Proposal]) -> list[AttachRequest]:
        """Numbers the bodies and packs them into messages. What is packed must be sent in the same order."""
        frames = [self._frame(body) for body in bodies]
        size = min(FRAMES_IN_A_MESSAGE, self.welcome.max_unacked_frames or FRAMES_IN_A_MESSAGE)
        return [AttachRequest(frames=frames[start : start + size]) for start in range(0, len(frames), size)]

    def put(self, requests: Sequence[AttachRequest]) -> None:
        """Sends and waits for nothing; what comes is read with `frames`."""
        for request in requests:
            self._outgoing.put(request)

    def frames(self) -> Iterator[ServerFrame]:
        """What the server says, as it comes."""
        for response in self._incoming:
            yield from response.frames

    def exchange(self, requests: Sequence[AttachRequest]) -> None:
        """Sends all within the window that the server gave, and returns when all is committed and answered."""
        window = self.welcome.max_unacked_frames or len(requests) * FRAMES_IN_A_MESSAGE
        for request in requests:
            last = request.frames[-1].sequence
            while last - self._acked > window:
                self._read()
            self._verdicts_due += sum(frame.HasField("proposal") for frame in request.frames)
            self._outgoing.put(request)
        final = requests[-1].frames[-1].sequence
        while self._acked < final or self._verdicts_due:
            self._read()

    def send(self, bodies: Sequence[FlowRun | TaskRun | Proposal]) -> None:
        self.exchange(self.pack(bodies))

    def _frame(self, body: FlowRun | TaskRun | Proposal) -> ClientFrame:
        self._sequence += 1
        if isinstance(body, FlowRun):
            return ClientFrame(sequence=self._sequence, create_flow_run=body)
        if isinstance(body, TaskRun):
            return ClientFrame(sequence=self._sequence, create_task_run=body)
        return ClientFrame(sequence=self._sequence, proposal=body)

    def _read(self) -> None:
        for frame in next(self._incoming).frames:
            self._take(frame)

    def _take(self, frame: ServerFrame) -> None:
        kind = frame.WhichOneof("body")
        if kind == "ack":
            self._acked = frame.ack.sequence
        elif kind == "verdict":
            accepted(frame.verdict.verdict)
            self._verdicts_due -= 1
        elif kind == "error":
            raise RuntimeError(f"frame {frame.error.sequence} was refused: {frame.error.status.message}")

"""A client of the control stream that says every frame by hand."""

import queue
from typing import Any

import grpc
import pytest
from uuid_utils import uuid7

from antiphon.v1 import session_pb2, session_service_pb2, session_service_pb2_grpc, state_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal
from refusals import Refusal, refusal_of

HEARTBEAT = session_pb2.ClientFrame(heartbeat=session_pb2.Heartbeat())


def new_id() -> str:
    return str(uuid7())


def proposal(run_id: str, type_: str, *, task: bool = False, **fields: Any) -> Proposal:
    """`type_` is the end of a StateType's name; `state` holds more fields of the state."""
    state = state_pb2.State(type=getattr(state_pb2, f"STATE_TYPE_{type_}"), **fields.pop("state", {}))
    key = {"task_run_id" if task else "flow_run_id": run_id}
    return Proposal(transition_id=fields.pop("transition_id", new_id()), state=state, **key, **fields)


class HandSession:
    """A control stream on which a test says every frame itself."""

    def __init__(self, channel: Any, resume_token: str = "", timeout: float = 60.0) -> None:
        self._out: queue.SimpleQueue[session_service_pb2.AttachRequest | None] = queue.SimpleQueue()
        self.call = session_service_pb2_grpc.SessionServiceStub(channel).Attach(
            iter(self._out.get, None), timeout=timeout
        )
        self.say(session_pb2.ClientFrame(hello=session_pb2.Hello(client="test", resume_token=resume_token)))
        self._in: list[session_pb2.ServerFrame] = []
        self.welcome = self.next("welcome").welcome
        self.sequence = self.welcome.committed_sequence

    def say(self, *frames: session_pb2.ClientFrame) -> None:
        self._out.put(session_service_pb2.AttachRequest(frames=frames))

    def durable(self, **body: Any) -> session_pb2.ClientFrame:
        self.sequence += 1
        return session_pb2.ClientFrame(sequence=self.sequence, **body)

    def create_flow_run(self, **fields: Any) -> str:
        run = FlowRun(**{"id": new_id(), "flow_name": "f", **fields})
        self.say(self.durable(create_flow_run=run))
        return run.id

    def create_task_run(self, flow_run_id: str, **fields: Any) -> str:
        run = TaskRun(**{"id": new_id(), "flow_run_id": flow_run_id, "task_key": "t", **fields})
        self.say(self.durable(create_task_run=run))
        return run.id

    def proposal(self, run_id: str, type_: str, **fields: Any) -> Proposal:
        return proposal(run_id, type_, **fields)

    def propose(self, run_id: str, type_: str, **fields: Any) -> Any:
        """Proposes and waits for the verdict, or the FrameError's status."""
        self.say(self.durable(proposal=proposal(run_id, type_, **fields)))
        return self.answer(self.sequence)

    def answer(self, sequence: int) -> Any:
        return self.answers({sequence})[sequence]

    def answers(self, sequences: set[int]) -> dict[int, Any]:
        """Those to several frames, in whatever order they come."""
        found: dict[int, Any] = {}
        while found.keys() != sequences:
            frame = self.next("verdict", "error")
            body = frame.verdict if frame.HasField("verdict") else frame.error
            if body.sequence in sequences:
                found[body.sequence] = frame.verdict.verdict if frame.HasField("verdict") else frame.error.status
        return found

    def next(self, *kinds: str) -> session_pb2.ServerFrame:
        """The next frame of one of these kinds; others are passed over."""
        while True:
            while self._in:
                frame = self._in.pop(0)
                if frame.WhichOneof("body") in kinds:
                    return frame
            self._in.extend(next(self.call).frames)

    def acked(self, sequence: int) -> None:
        while self.next("ack").ack.sequence < sequence:
            pass

    def close(self) -> None:
        """Half-closes, as a client does that has said all."""
        self._out.put(None)

    def cut(self) -> None:
        self.call.cancel()
        self._out.put(None)


def end_of(session: HandSession) -> Refusal:
    """How the stream ended."""
    with pytest.raises(grpc.RpcError) as ended:
        while True:
            next(session.call)
    return refusal_of(ended.value)

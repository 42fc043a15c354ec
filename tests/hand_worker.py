"""A worker that says every message by hand."""

import queue
import threading
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration

from antiphon.v1 import session_pb2, work_service_pb2_grpc
from antiphon.v1 import work_service_pb2 as pb
from refusals import Refusal, refusal_of

PATIENCE = 20.0
TAKEN, DECLINED = pb.OFFER_DECISION_TAKEN, pb.OFFER_DECISION_DECLINED


class HandWorker:
    """A stream of WorkService on which a test says every message itself. `hello` are fields of WorkerHello."""

    def __init__(self, channel: Any, **hello: Any) -> None:
        self._out: queue.SimpleQueue[pb.WorkRequest | None] = queue.SimpleQueue()
        self._in: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.call = work_service_pb2_grpc.WorkServiceStub(channel).Work(iter(self._out.get, None), timeout=60)
        threading.Thread(target=self._read, daemon=True).start()
        self.say(hello=pb.WorkerHello(**hello))

    def _read(self) -> None:
        try:
            for message in self.call:
                self._in.put(message)
        except grpc.RpcError as error:
            self._in.put(error)
        else:
            self._in.put(None)

    # Saying

    def say(self, **body: Any) -> None:
        self._out.put(pb.WorkRequest(**body))

    def credit(self, runs: int = 1) -> None:
        self.say(credit=pb.WorkerCredit(runs=runs))

    def take(self, offer: pb.WorkOffer) -> None:
        self.say(answer=pb.OfferAnswer(claim=claim_of(offer), decision=TAKEN))

    def decline(self, offer: pb.WorkOffer, reason: str = "", retry_after: float | None = None) -> None:
        answer = pb.OfferAnswer(claim=claim_of(offer), decision=DECLINED, reason=reason)
        if retry_after is not None:
            answer.retry_after.CopyFrom(Duration(seconds=int(retry_after), nanos=round(retry_after % 1 * 1e9)))
        self.say(answer=answer)

    def started(self, offer: pb.WorkOffer, pid: str = "pid") -> None:
        """Reports it, and hears that it is stored."""
        self.say(started=pb.InfrastructureStarted(claim=claim_of(offer), infrastructure_pid=pid))
        assert self.next("recorded").recorded == pb.Recorded(claim=claim_of(offer))

    def exited(self, offer: pb.WorkOffer, pid: str = "pid", exit_code: int = 0, message: str = "") -> None:
        """Reports it, and hears that it is stored."""
        report = {"infrastructure_pid": pid, "exit_code": exit_code, "message": message}
        self.say(exited=pb.InfrastructureExited(claim=claim_of(offer), **report))
        assert self.next("recorded").recorded == pb.Recorded(claim=claim_of(offer), exited=True)

    def heartbeat(self) -> None:
        """Hears the answer: whatever was said before is done."""
        self.say(heartbeat=session_pb2.Heartbeat())
        self.next("heartbeat_ack")

    def goodbye(self) -> None:
        """Hears the end of the stream."""
        self.say(goodbye=session_pb2.Goodbye(reason="enough"))
        assert self._in.get(timeout=PATIENCE) is None

    def cut(self) -> None:
        """Hears the end of the stream as well."""
        self.call.cancel()
        self._out.put(None)
        while not isinstance(self._in.get(timeout=PATIENCE), grpc.RpcError):
            pass

    # Hearing

    def next(self, kind: str) -> pb.WorkResponse:
        """The next message, which must be of this kind."""
        message = self._in.get(timeout=PATIENCE)
        assert isinstance(message, pb.WorkResponse), message
        assert message.WhichOneof("body") == kind, message
        return message

    def welcome(self) -> pb.WorkerWelcome:
        return self.next("welcome").welcome

    def offer(self) -> pb.WorkOffer:
        return self.next("offer").offer

    def command(self) -> session_pb2.Command:
        return self.next("command").command

    def refusal(self) -> Refusal:
        """What the stream ends with."""
        error = self._in.get(timeout=PATIENCE)
        assert isinstance(error, grpc.RpcError), error
        return refusal_of(error)

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be heard."""
        return self._in.empty()


def claim_of(offer: pb.WorkOffer) -> pb.Claim:
    return pb.Claim(flow_run_id=offer.flow_run.id, fencing_token=offer.fencing_token)

"""Where fuzzing begins: a few right inputs of each target, and all that ever broke one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message

from antiphon.v1 import session_pb2, state_pb2, work_service_pb2
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.session_service_pb2 import AttachRequest, UploadRequest
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal
from antiphon_server.application.page_tokens import PageTokens
from antiphon_server.application.tokens import ResumeTokens
from fuzzing.conversation import joined
from fuzzing.requests import REQUESTS
from fuzzing.targets import KEY, LISTINGS, QUERY

#: One file for each input that broke a target once, in a folder for each target.
KEPT = Path(__file__).parent / "kept"

RUN, TASK = "0190163d-8694-739b-aea5-966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad92"
PENDING, RUNNING, COMPLETED, FAILED, CANCELLING, PAUSED = 2, 3, 4, 5, 8, 9


def seeds(target: str) -> Sequence[bytes]:
    kept = [each.read_bytes() for each in sorted((KEPT / target).glob("*"))] if (KEPT / target).is_dir() else []
    return [*_MADE[target](), *kept]


def _queries() -> Sequence[bytes]:
    found = []
    for number, listing in enumerate(LISTINGS):
        words = " AND ".join(f"{name}:*" for name in listing.filters)
        order = ", ".join(f"{name} desc" for name in listing.order.columns)
        found.append(bytes([number]) + f"{words}\0{order}".encode())
    times = "(create_time >= 2026-01-01T00:00:00.5+01:00 OR NOT run_count > -1) AND -name = *'a\\*b'"
    return [*found, b"\1" + times.encode() + b"\0name"]


def _tokens() -> Sequence[bytes]:
    made = [PageTokens(KEY).make(QUERY, [1, None, "x"]), ResumeTokens(KEY).issue(RUN), "0a1b2c3d4e5f:12"]
    return [each.encode() for each in made]


def _requests() -> Sequence[bytes]:
    """Each message once, with an id where it has one."""
    found = []
    for number, kind in enumerate(REQUESTS):
        message = kind()
        for field in message.DESCRIPTOR.fields:
            if field.name == "id":
                setattr(message, "id", RUN)  # noqa: B010 - no message is known to have one
        found.append(bytes([number]) + message.SerializeToString())
    return found


def _work() -> Sequence[bytes]:
    claim = {"flow_run_id": RUN, "fencing_token": 1}
    said: list[dict[str, Any]] = [
        {"hello": {"name": "one", "work_pool_name": "p", "holds": [claim], "labels": {"a": "b"}}},
        {"credit": {"runs": 3}},
        {"answer": {"claim": claim, "decision": 2, "retry_after": {"seconds": 1}}},
        {"started": {"claim": claim, "infrastructure_pid": "1"}},
        {"exited": {"claim": claim, "exit_code": -9}},
        {"goodbye": {"reason": "enough"}},
    ]
    lines = UploadRequest(sequence=1, logs=[{"message": "x", "level": 20, "create_time": {"seconds": 1}}])
    return [*(work_service_pb2.WorkRequest(**each).SerializeToString() for each in said), _bytes(lines)]


def _sessions() -> Sequence[bytes]:
    """Lives of runs: one that ends well, one that is tried again, one that pauses and is cancelled."""
    retries = {"max_retries": 2, "delays": [{"seconds": 1}], "jitter_factor": 0.5}
    flow: list[Mapping[str, Any]] = [
        {"create_flow_run": FlowRun(id=RUN, flow_name="f", tags=["a"], retry_policy=retries)}
    ]
    task: list[Mapping[str, Any]] = [
        *flow,
        {"create_task_run": TaskRun(id=TASK, flow_run_id=RUN, task_key="t", retry_policy=retries)},
    ]
    lives: list[list[Mapping[str, Any]]] = [
        [*task, *(_proposed(each, TASK, task=True) for each in (PENDING, RUNNING, COMPLETED)), _proposed(COMPLETED)],
        [*flow, *map(_proposed, (PENDING, RUNNING, FAILED, RUNNING, FAILED, RUNNING, FAILED))],
        [*flow, *map(_proposed, (RUNNING, PAUSED, RUNNING, CANCELLING)), {"goodbye": session_pb2.Goodbye()}],
        [*task, {"heartbeat": session_pb2.Heartbeat()}, {"command_result": {"command_id": RUN, "stage": 2}}],
    ]
    return [joined(*(_frame(number, body) for number, body in enumerate(life, 1))) for life in lives]


def _proposed(type_: int, run: str = RUN, *, task: bool = False) -> dict[str, Any]:
    """Without an id, which `_frame` gives it by its place."""
    state = state_pb2.State(type=type_)  # type: ignore[arg-type]
    return {"proposal": Proposal(state=state, task_run_id=run) if task else Proposal(state=state, flow_run_id=run)}


def _frame(number: int, body: Mapping[str, Any]) -> bytes:
    frame = session_pb2.ClientFrame(**body)
    if not frame.HasField("heartbeat") and not frame.HasField("goodbye"):
        frame.sequence = number
    if frame.HasField("proposal"):
        frame.proposal.transition_id = f"0190163d-8694-739b-aea5-{number:012x}"
    return _bytes(AttachRequest(frames=[frame]))


def _bytes(message: Message) -> bytes:
    return bytes(message.SerializeToString())


_MADE: Mapping[str, Callable[[], Sequence[bytes]]] = MappingProxyType(
    {"query": _queries, "token": _tokens, "request": _requests, "work": _work, "session": _sessions}
)

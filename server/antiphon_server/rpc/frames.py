"""Frames of the session protocol: what a client's message asks for, and the answers to it."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from antiphon.v1 import session_pb2
from antiphon_server.application.core import Needs, Operation, WorkingSet
from antiphon_server.application.operations import ProposeOnSession
from antiphon_server.application.proposals import proposal_from
from antiphon_server.application.sessions import Frame, NoteCommandResult, Spoken
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import AntiphonError, InvalidArgument
from antiphon_server.rpc.status import to_status
from antiphon_server.rpc.validation import ItemCheck
from antiphon_server.rpc.write_conversions import create_flow_run_from, create_task_run_from, verdict_to

logger = logging.getLogger(__name__)

#: Stages of a command that was not done.
NOT_DONE = frozenset({session_pb2.COMMAND_STAGE_REFUSED, session_pb2.COMMAND_STAGE_TOO_LATE})
#: Of states, in the answer to one ExchangeFrames: clients take 4 MiB unless they were told otherwise.
MAX_DATA_BYTES = 2 * 1024 * 1024
DURABLE = frozenset({"create_flow_run", "create_task_run", "proposal", "command_result"})


@dataclass(slots=True)
class Refuse:
    """A frame that is wrong in itself: it takes its place in the sequence and is answered with the error."""

    error: AntiphonError

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        raise self.error


@dataclass(slots=True)
class Message:
    """What one message of a client asks for."""

    frames: list[Frame] = field(default_factory=list)
    heartbeats: int = 0
    goodbye: bool = False


def read_message(frames: Sequence[session_pb2.ClientFrame], session_id: str, check: ItemCheck | None) -> Message:
    """Sorts out a message; `check` looks at the field rules of a frame, None where all keep them.

    Raises InvalidArgument (FRAME_INVALID) for what breaks the protocol itself: Hello in mid-stream, a durable frame
    without a number, a frame without a number of a kind that this server does not know.
    """
    message = Message()
    for index, frame in enumerate(frames):
        kind = frame.WhichOneof("body")
        if kind in DURABLE:
            if frame.sequence == 0:
                raise InvalidArgument(
                    "FRAME_INVALID", f"{kind} is durable and needs a sequence", field=f"frames[{index}].sequence"
                )
            message.frames.append(Frame(frame.sequence, _operation(frame, kind, session_id, check, index)))
        elif kind == "heartbeat":
            message.heartbeats += 1
        elif kind == "goodbye":
            message.goodbye = True
            why = frame.goodbye.reason[:1000] or "no reason given"
            logger.info("session %(session_id)s says goodbye: %(why)s", {"session_id": session_id, "why": why})
        elif kind is None and frame.sequence:
            message.frames.append(Frame(frame.sequence, Refuse(_unknown("the frame has no body", index))))
        else:
            what = "Hello is the first frame of a stream and only that" if kind == "hello" else "the frame has no body"
            raise _unknown(what, index)
    return message


def _unknown(what: str, index: int) -> InvalidArgument:
    return InvalidArgument(
        "FRAME_INVALID", f"{what}, or is of a kind that this server does not know", field=f"frames[{index}]"
    )


def _operation(
    frame: session_pb2.ClientFrame, kind: str, session_id: str, check: ItemCheck | None, index: int
) -> Operation:
    try:
        if check is not None:
            check(frame, f"frames[{index}].")
        if kind == "proposal":
            body = frame.proposal.SerializeToString(deterministic=True)
            return ProposeOnSession(
                proposal_from(frame.proposal, session_id=session_id, body=body), frame.sequence, body
            )
        if kind == "create_task_run":
            return create_task_run_from(frame.create_task_run, session_id)
        if kind == "create_flow_run":
            return create_flow_run_from(frame.create_flow_run, session_id)
        result = frame.command_result
        if result.stage in NOT_DONE:
            stage = session_pb2.CommandStage.Name(result.stage).removeprefix("COMMAND_STAGE_")
            said = result.message[:1000] or "no reason given"
            logger.info(
                "session %(session_id)s answers command %(command_id)s with %(stage)s: %(why)s",
                {"session_id": session_id, "command_id": result.command_id, "stage": stage, "why": said},
            )
        return NoteCommandResult(session_id, result.command_id.lower(), result.stage, result.message)
    except InvalidArgument as error:
        return Refuse(error)


def answer_frames(spoken: Spoken) -> list[session_pb2.ServerFrame]:
    """Verdicts and refusals in order, then the Ack that covers them."""
    frames = [answer_frame(*told) for told in spoken.answers if isinstance(told[1], (Verdict, AntiphonError))]
    if spoken.answers:
        last = max(sequence for sequence, _ in spoken.answers)
        frames.append(session_pb2.ServerFrame(ack=session_pb2.Ack(sequence=last)))
    return frames


def answer_frame(sequence: int, answer: Verdict | AntiphonError) -> session_pb2.ServerFrame:
    return error_frame(sequence, answer) if isinstance(answer, AntiphonError) else _verdict_frame(sequence, answer)


def leave_out_data(frames: Iterable[session_pb2.ServerFrame]) -> None:
    """Takes the data from states in verdicts once it is too much for one answer; it can be read with the run."""
    left = MAX_DATA_BYTES
    for frame in frames:
        if frame.verdict.verdict.state.HasField("data"):
            left -= frame.verdict.verdict.state.data.ByteSize()
            if left < 0:
                frame.verdict.verdict.state.ClearField("data")


def error_frame(sequence: int, error: AntiphonError) -> session_pb2.ServerFrame:
    return session_pb2.ServerFrame(error=session_pb2.FrameError(sequence=sequence, status=to_status(error)))


def _verdict_frame(sequence: int, verdict: Verdict) -> session_pb2.ServerFrame:
    return session_pb2.ServerFrame(verdict=session_pb2.SequencedVerdict(sequence=sequence, verdict=verdict_to(verdict)))

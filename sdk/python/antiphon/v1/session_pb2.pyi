import datetime

from antiphon.v1 import flow_run_pb2 as _flow_run_pb2
from antiphon.v1 import task_run_pb2 as _task_run_pb2
from antiphon.v1 import transition_pb2 as _transition_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_STAGE_UNSPECIFIED: _ClassVar[CommandStage]
    COMMAND_STAGE_RECEIVED: _ClassVar[CommandStage]
    COMMAND_STAGE_APPLIED: _ClassVar[CommandStage]
    COMMAND_STAGE_REFUSED: _ClassVar[CommandStage]
    COMMAND_STAGE_TOO_LATE: _ClassVar[CommandStage]
COMMAND_STAGE_UNSPECIFIED: CommandStage
COMMAND_STAGE_RECEIVED: CommandStage
COMMAND_STAGE_APPLIED: CommandStage
COMMAND_STAGE_REFUSED: CommandStage
COMMAND_STAGE_TOO_LATE: CommandStage

class ClientFrame(_message.Message):
    __slots__ = ("sequence", "hello", "create_flow_run", "create_task_run", "proposal", "command_result", "heartbeat", "goodbye")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    CREATE_FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TASK_RUN_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    hello: Hello
    create_flow_run: _flow_run_pb2.FlowRun
    create_task_run: _task_run_pb2.TaskRun
    proposal: _transition_pb2.Proposal
    command_result: CommandResult
    heartbeat: Heartbeat
    goodbye: Goodbye
    def __init__(self, sequence: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., create_flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., create_task_run: _Optional[_Union[_task_run_pb2.TaskRun, _Mapping]] = ..., proposal: _Optional[_Union[_transition_pb2.Proposal, _Mapping]] = ..., command_result: _Optional[_Union[CommandResult, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("client", "resume_token", "capabilities")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    client: str
    resume_token: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client: _Optional[str] = ..., resume_token: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("command_id", "stage", "message")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    stage: CommandStage
    message: str
    def __init__(self, command_id: _Optional[str] = ..., stage: _Optional[_Union[CommandStage, str]] = ..., message: _Optional[str] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("welcome", "ack", "verdict", "error", "command", "heartbeat_ack")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_ACK_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    ack: Ack
    verdict: SequencedVerdict
    error: FrameError
    command: Command
    heartbeat_ack: HeartbeatAck
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., verdict: _Optional[_Union[SequencedVerdict, _Mapping]] = ..., error: _Optional[_Union[FrameError, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., heartbeat_ack: _Optional[_Union[HeartbeatAck, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("session_id", "resume_token", "epoch", "committed_sequence", "ttl_timeout", "max_unacked_frames", "capabilities")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TTL_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    epoch: int
    committed_sequence: int
    ttl_timeout: _duration_pb2.Duration
    max_unacked_frames: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., epoch: _Optional[int] = ..., committed_sequence: _Optional[int] = ..., ttl_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_unacked_frames: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SequencedVerdict(_message.Message):
    __slots__ = ("sequence", "verdict")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    verdict: _transition_pb2.Verdict
    def __init__(self, sequence: _Optional[int] = ..., verdict: _Optional[_Union[_transition_pb2.Verdict, _Mapping]] = ...) -> None: ...

class FrameError(_message.Message):
    __slots__ = ("sequence", "status")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    status: _status_pb2.Status
    def __init__(self, sequence: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class HeartbeatAck(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Command(_message.Message):
    __slots__ = ("id", "cancel_run", "drain", "revoke_run", "kill_infrastructure", "pause_run", "resume_run", "suspend_run")
    ID_FIELD_NUMBER: _ClassVar[int]
    CANCEL_RUN_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    REVOKE_RUN_FIELD_NUMBER: _ClassVar[int]
    KILL_INFRASTRUCTURE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_RUN_FIELD_NUMBER: _ClassVar[int]
    RESUME_RUN_FIELD_NUMBER: _ClassVar[int]
    SUSPEND_RUN_FIELD_NUMBER: _ClassVar[int]
    id: str
    cancel_run: CancelRun
    drain: Drain
    revoke_run: RevokeRun
    kill_infrastructure: KillInfrastructure
    pause_run: PauseRun
    resume_run: ResumeRun
    suspend_run: SuspendRun
    def __init__(self, id: _Optional[str] = ..., cancel_run: _Optional[_Union[CancelRun, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., revoke_run: _Optional[_Union[RevokeRun, _Mapping]] = ..., kill_infrastructure: _Optional[_Union[KillInfrastructure, _Mapping]] = ..., pause_run: _Optional[_Union[PauseRun, _Mapping]] = ..., resume_run: _Optional[_Union[ResumeRun, _Mapping]] = ..., suspend_run: _Optional[_Union[SuspendRun, _Mapping]] = ...) -> None: ...

class CancelRun(_message.Message):
    __slots__ = ("flow_run_id", "reason", "task_run_id")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    reason: str
    task_run_id: str
    def __init__(self, flow_run_id: _Optional[str] = ..., reason: _Optional[str] = ..., task_run_id: _Optional[str] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class RevokeRun(_message.Message):
    __slots__ = ("flow_run_id", "task_run_id", "reason")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    task_run_id: str
    reason: str
    def __init__(self, flow_run_id: _Optional[str] = ..., task_run_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class KillInfrastructure(_message.Message):
    __slots__ = ("flow_run_id", "infrastructure_pid", "reason")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    INFRASTRUCTURE_PID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    infrastructure_pid: str
    reason: str
    def __init__(self, flow_run_id: _Optional[str] = ..., infrastructure_pid: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PauseRun(_message.Message):
    __slots__ = ("flow_run_id", "state_id", "reason")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    state_id: str
    reason: str
    def __init__(self, flow_run_id: _Optional[str] = ..., state_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeRun(_message.Message):
    __slots__ = ("flow_run_id", "state_id", "reason")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    state_id: str
    reason: str
    def __init__(self, flow_run_id: _Optional[str] = ..., state_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SuspendRun(_message.Message):
    __slots__ = ("flow_run_id", "state_id", "reason")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    state_id: str
    reason: str
    def __init__(self, flow_run_id: _Optional[str] = ..., state_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

import datetime

from antiphon.v1 import session_pb2 as _session_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FlowRunCommandKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOW_RUN_COMMAND_KIND_UNSPECIFIED: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_CANCEL: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_REVOKE: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_KILL_INFRASTRUCTURE: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_PAUSE: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_RESUME: _ClassVar[FlowRunCommandKind]
    FLOW_RUN_COMMAND_KIND_SUSPEND: _ClassVar[FlowRunCommandKind]
FLOW_RUN_COMMAND_KIND_UNSPECIFIED: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_CANCEL: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_REVOKE: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_KILL_INFRASTRUCTURE: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_PAUSE: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_RESUME: FlowRunCommandKind
FLOW_RUN_COMMAND_KIND_SUSPEND: FlowRunCommandKind

class FlowRunCommand(_message.Message):
    __slots__ = ("id", "flow_run_id", "session_id", "kind", "reason", "stage", "message", "create_time", "update_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    flow_run_id: str
    session_id: str
    kind: FlowRunCommandKind
    reason: str
    stage: _session_pb2.CommandStage
    message: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., flow_run_id: _Optional[str] = ..., session_id: _Optional[str] = ..., kind: _Optional[_Union[FlowRunCommandKind, str]] = ..., reason: _Optional[str] = ..., stage: _Optional[_Union[_session_pb2.CommandStage, str]] = ..., message: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

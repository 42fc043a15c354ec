import datetime

from antiphon.v1 import state_pb2 as _state_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationVerb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_VERB_UNSPECIFIED: _ClassVar[OperationVerb]
    OPERATION_VERB_CANCEL: _ClassVar[OperationVerb]
    OPERATION_VERB_DELETE: _ClassVar[OperationVerb]
    OPERATION_VERB_RETRY: _ClassVar[OperationVerb]
    OPERATION_VERB_SET_STATE: _ClassVar[OperationVerb]
    OPERATION_VERB_BACKFILL: _ClassVar[OperationVerb]

class OperationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_STATE_UNSPECIFIED: _ClassVar[OperationState]
    OPERATION_STATE_RUNNING: _ClassVar[OperationState]
    OPERATION_STATE_SUCCEEDED: _ClassVar[OperationState]
    OPERATION_STATE_CANCELLED: _ClassVar[OperationState]
    OPERATION_STATE_FAILED: _ClassVar[OperationState]
OPERATION_VERB_UNSPECIFIED: OperationVerb
OPERATION_VERB_CANCEL: OperationVerb
OPERATION_VERB_DELETE: OperationVerb
OPERATION_VERB_RETRY: OperationVerb
OPERATION_VERB_SET_STATE: OperationVerb
OPERATION_VERB_BACKFILL: OperationVerb
OPERATION_STATE_UNSPECIFIED: OperationState
OPERATION_STATE_RUNNING: OperationState
OPERATION_STATE_SUCCEEDED: OperationState
OPERATION_STATE_CANCELLED: OperationState
OPERATION_STATE_FAILED: OperationState

class OperationFailure(_message.Message):
    __slots__ = ("flow_run_id", "reason", "message")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    reason: str
    message: str
    def __init__(self, flow_run_id: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Backfill(_message.Message):
    __slots__ = ("deployment_id", "schedule_id", "start_time", "end_time", "max_active_runs", "rerun")
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIVE_RUNS_FIELD_NUMBER: _ClassVar[int]
    RERUN_FIELD_NUMBER: _ClassVar[int]
    deployment_id: str
    schedule_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    max_active_runs: int
    rerun: bool
    def __init__(self, deployment_id: _Optional[str] = ..., schedule_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_active_runs: _Optional[int] = ..., rerun: _Optional[bool] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("id", "verb", "filter", "reason", "proposed_state", "force", "state", "total_count", "done_count", "succeeded_count", "failed_count", "skipped_count", "failures", "create_time", "update_time", "end_time", "error", "backfill")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERB_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_STATE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    id: str
    verb: OperationVerb
    filter: str
    reason: str
    proposed_state: _state_pb2.State
    force: bool
    state: OperationState
    total_count: int
    done_count: int
    succeeded_count: int
    failed_count: int
    skipped_count: int
    failures: _containers.RepeatedCompositeFieldContainer[OperationFailure]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    error: _status_pb2.Status
    backfill: Backfill
    def __init__(self, id: _Optional[str] = ..., verb: _Optional[_Union[OperationVerb, str]] = ..., filter: _Optional[str] = ..., reason: _Optional[str] = ..., proposed_state: _Optional[_Union[_state_pb2.State, _Mapping]] = ..., force: _Optional[bool] = ..., state: _Optional[_Union[OperationState, str]] = ..., total_count: _Optional[int] = ..., done_count: _Optional[int] = ..., succeeded_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., skipped_count: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[OperationFailure, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., backfill: _Optional[_Union[Backfill, _Mapping]] = ...) -> None: ...

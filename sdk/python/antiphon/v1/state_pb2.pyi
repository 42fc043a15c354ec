import datetime

from antiphon.v1 import payload_pb2 as _payload_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StateType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_TYPE_UNSPECIFIED: _ClassVar[StateType]
    STATE_TYPE_SCHEDULED: _ClassVar[StateType]
    STATE_TYPE_PENDING: _ClassVar[StateType]
    STATE_TYPE_RUNNING: _ClassVar[StateType]
    STATE_TYPE_COMPLETED: _ClassVar[StateType]
    STATE_TYPE_FAILED: _ClassVar[StateType]
    STATE_TYPE_CANCELLED: _ClassVar[StateType]
    STATE_TYPE_CRASHED: _ClassVar[StateType]
    STATE_TYPE_PAUSED: _ClassVar[StateType]
    STATE_TYPE_CANCELLING: _ClassVar[StateType]
STATE_TYPE_UNSPECIFIED: StateType
STATE_TYPE_SCHEDULED: StateType
STATE_TYPE_PENDING: StateType
STATE_TYPE_RUNNING: StateType
STATE_TYPE_COMPLETED: StateType
STATE_TYPE_FAILED: StateType
STATE_TYPE_CANCELLED: StateType
STATE_TYPE_CRASHED: StateType
STATE_TYPE_PAUSED: StateType
STATE_TYPE_CANCELLING: StateType

class StateDetails(_message.Message):
    __slots__ = ("scheduled_time", "child_flow_run_id", "retriable", "pause_expire_time", "pause_reschedule", "pause_key", "input_schema", "cache_key", "cache_expire_time", "refresh_cache", "deferred", "task_parameters_id")
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    CHILD_FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    RETRIABLE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_RESCHEDULE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    CACHE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_CACHE_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_FIELD_NUMBER: _ClassVar[int]
    TASK_PARAMETERS_ID_FIELD_NUMBER: _ClassVar[int]
    scheduled_time: _timestamp_pb2.Timestamp
    child_flow_run_id: str
    retriable: bool
    pause_expire_time: _timestamp_pb2.Timestamp
    pause_reschedule: bool
    pause_key: str
    input_schema: str
    cache_key: str
    cache_expire_time: _timestamp_pb2.Timestamp
    refresh_cache: bool
    deferred: bool
    task_parameters_id: str
    def __init__(self, scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., child_flow_run_id: _Optional[str] = ..., retriable: _Optional[bool] = ..., pause_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pause_reschedule: _Optional[bool] = ..., pause_key: _Optional[str] = ..., input_schema: _Optional[str] = ..., cache_key: _Optional[str] = ..., cache_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_cache: _Optional[bool] = ..., deferred: _Optional[bool] = ..., task_parameters_id: _Optional[str] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("id", "type", "name", "create_time", "message", "details", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: StateType
    name: str
    create_time: _timestamp_pb2.Timestamp
    message: str
    details: StateDetails
    data: _payload_pb2.Payload
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[StateType, str]] = ..., name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message: _Optional[str] = ..., details: _Optional[_Union[StateDetails, _Mapping]] = ..., data: _Optional[_Union[_payload_pb2.Payload, _Mapping]] = ...) -> None: ...

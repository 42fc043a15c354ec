import datetime

from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WorkPoolStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORK_POOL_STATUS_UNSPECIFIED: _ClassVar[WorkPoolStatus]
    WORK_POOL_STATUS_READY: _ClassVar[WorkPoolStatus]
    WORK_POOL_STATUS_NOT_READY: _ClassVar[WorkPoolStatus]
    WORK_POOL_STATUS_PAUSED: _ClassVar[WorkPoolStatus]
WORK_POOL_STATUS_UNSPECIFIED: WorkPoolStatus
WORK_POOL_STATUS_READY: WorkPoolStatus
WORK_POOL_STATUS_NOT_READY: WorkPoolStatus
WORK_POOL_STATUS_PAUSED: WorkPoolStatus

class WorkPool(_message.Message):
    __slots__ = ("id", "name", "type", "paused", "concurrency_limit", "active_slots", "create_time", "update_time", "etag", "description", "base_job_template", "status", "default_work_queue_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SLOTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BASE_JOB_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_WORK_QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    paused: bool
    concurrency_limit: int
    active_slots: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    description: str
    base_job_template: str
    status: WorkPoolStatus
    default_work_queue_id: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., paused: _Optional[bool] = ..., concurrency_limit: _Optional[int] = ..., active_slots: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., description: _Optional[str] = ..., base_job_template: _Optional[str] = ..., status: _Optional[_Union[WorkPoolStatus, str]] = ..., default_work_queue_id: _Optional[str] = ...) -> None: ...

class WorkQueue(_message.Message):
    __slots__ = ("id", "work_pool_id", "name", "paused", "concurrency_limit", "priority", "work_pool_name", "active_slots", "create_time", "update_time", "etag", "description", "status")
    ID_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SLOTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    id: str
    work_pool_id: str
    name: str
    paused: bool
    concurrency_limit: int
    priority: int
    work_pool_name: str
    active_slots: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    description: str
    status: WorkPoolStatus
    def __init__(self, id: _Optional[str] = ..., work_pool_id: _Optional[str] = ..., name: _Optional[str] = ..., paused: _Optional[bool] = ..., concurrency_limit: _Optional[int] = ..., priority: _Optional[int] = ..., work_pool_name: _Optional[str] = ..., active_slots: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., description: _Optional[str] = ..., status: _Optional[_Union[WorkPoolStatus, str]] = ...) -> None: ...

import datetime

from antiphon.v1 import payload_pb2 as _payload_pb2
from antiphon.v1 import schedule_pb2 as _schedule_pb2
from antiphon.v1 import worker_pb2 as _worker_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CollisionStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLLISION_STRATEGY_UNSPECIFIED: _ClassVar[CollisionStrategy]
    COLLISION_STRATEGY_ENQUEUE: _ClassVar[CollisionStrategy]
    COLLISION_STRATEGY_CANCEL_NEW: _ClassVar[CollisionStrategy]
COLLISION_STRATEGY_UNSPECIFIED: CollisionStrategy
COLLISION_STRATEGY_ENQUEUE: CollisionStrategy
COLLISION_STRATEGY_CANCEL_NEW: CollisionStrategy

class Deployment(_message.Message):
    __slots__ = ("id", "name", "flow_id", "flow_name", "paused", "concurrency_limit", "collision_strategy", "grace_period", "work_queue_id", "tags", "active_slots", "create_time", "update_time", "etag", "description", "version", "entrypoint", "path", "pull_steps", "parameters", "parameter_schema", "enforce_parameter_schema", "job_variables", "labels", "schedules", "work_pool_name", "work_queue_name", "version_number", "worker_affinity")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_NAME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    COLLISION_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    GRACE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    WORK_QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SLOTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTRYPOINT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PULL_STEPS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ENFORCE_PARAMETER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    JOB_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_NAME_FIELD_NUMBER: _ClassVar[int]
    WORK_QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    WORKER_AFFINITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    flow_id: str
    flow_name: str
    paused: bool
    concurrency_limit: int
    collision_strategy: CollisionStrategy
    grace_period: _duration_pb2.Duration
    work_queue_id: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    active_slots: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    description: str
    version: str
    entrypoint: str
    path: str
    pull_steps: str
    parameters: _payload_pb2.Payload
    parameter_schema: str
    enforce_parameter_schema: bool
    job_variables: str
    labels: _containers.ScalarMap[str, str]
    schedules: _containers.RepeatedCompositeFieldContainer[_schedule_pb2.Schedule]
    work_pool_name: str
    work_queue_name: str
    version_number: int
    worker_affinity: _worker_pb2.WorkerAffinity
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., flow_id: _Optional[str] = ..., flow_name: _Optional[str] = ..., paused: _Optional[bool] = ..., concurrency_limit: _Optional[int] = ..., collision_strategy: _Optional[_Union[CollisionStrategy, str]] = ..., grace_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., work_queue_id: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., active_slots: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[str] = ..., entrypoint: _Optional[str] = ..., path: _Optional[str] = ..., pull_steps: _Optional[str] = ..., parameters: _Optional[_Union[_payload_pb2.Payload, _Mapping]] = ..., parameter_schema: _Optional[str] = ..., enforce_parameter_schema: _Optional[bool] = ..., job_variables: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., schedules: _Optional[_Iterable[_Union[_schedule_pb2.Schedule, _Mapping]]] = ..., work_pool_name: _Optional[str] = ..., work_queue_name: _Optional[str] = ..., version_number: _Optional[int] = ..., worker_affinity: _Optional[_Union[_worker_pb2.WorkerAffinity, _Mapping]] = ...) -> None: ...

class DeploymentVersion(_message.Message):
    __slots__ = ("number", "deployment", "create_time")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    number: int
    deployment: Deployment
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, number: _Optional[int] = ..., deployment: _Optional[_Union[Deployment, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

import datetime

from antiphon.v1 import payload_pb2 as _payload_pb2
from antiphon.v1 import retry_policy_pb2 as _retry_policy_pb2
from antiphon.v1 import state_pb2 as _state_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FlowRun(_message.Message):
    __slots__ = ("id", "name", "flow_id", "flow_name", "flow_version", "parameters", "tags", "idempotency_key", "parent_task_run_id", "retry_policy", "run_count", "state", "start_time", "end_time", "expected_start_time", "next_scheduled_start_time", "total_run_time", "session_id", "create_time", "update_time", "etag", "deployment_id", "work_queue_id", "infrastructure_pid", "priority", "auto_scheduled", "fencing_token", "deadline_time", "resuming", "pause_keys", "schedule_id", "deployment_version_number", "job_variables", "operation_id", "traceparent")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_NAME_FIELD_NUMBER: _ClassVar[int]
    FLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PARENT_TASK_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_POLICY_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_START_TIME_FIELD_NUMBER: _ClassVar[int]
    NEXT_SCHEDULED_START_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    WORK_QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    INFRASTRUCTURE_PID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    AUTO_SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESUMING_FIELD_NUMBER: _ClassVar[int]
    PAUSE_KEYS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    JOB_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    flow_id: str
    flow_name: str
    flow_version: str
    parameters: _payload_pb2.Payload
    tags: _containers.RepeatedScalarFieldContainer[str]
    idempotency_key: str
    parent_task_run_id: str
    retry_policy: _retry_policy_pb2.RetryPolicy
    run_count: int
    state: _state_pb2.State
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    expected_start_time: _timestamp_pb2.Timestamp
    next_scheduled_start_time: _timestamp_pb2.Timestamp
    total_run_time: _duration_pb2.Duration
    session_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    deployment_id: str
    work_queue_id: str
    infrastructure_pid: str
    priority: int
    auto_scheduled: bool
    fencing_token: int
    deadline_time: _timestamp_pb2.Timestamp
    resuming: bool
    pause_keys: _containers.RepeatedScalarFieldContainer[str]
    schedule_id: str
    deployment_version_number: int
    job_variables: str
    operation_id: str
    traceparent: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., flow_id: _Optional[str] = ..., flow_name: _Optional[str] = ..., flow_version: _Optional[str] = ..., parameters: _Optional[_Union[_payload_pb2.Payload, _Mapping]] = ..., tags: _Optional[_Iterable[str]] = ..., idempotency_key: _Optional[str] = ..., parent_task_run_id: _Optional[str] = ..., retry_policy: _Optional[_Union[_retry_policy_pb2.RetryPolicy, _Mapping]] = ..., run_count: _Optional[int] = ..., state: _Optional[_Union[_state_pb2.State, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expected_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_scheduled_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_run_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., session_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., deployment_id: _Optional[str] = ..., work_queue_id: _Optional[str] = ..., infrastructure_pid: _Optional[str] = ..., priority: _Optional[int] = ..., auto_scheduled: _Optional[bool] = ..., fencing_token: _Optional[int] = ..., deadline_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resuming: _Optional[bool] = ..., pause_keys: _Optional[_Iterable[str]] = ..., schedule_id: _Optional[str] = ..., deployment_version_number: _Optional[int] = ..., job_variables: _Optional[str] = ..., operation_id: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

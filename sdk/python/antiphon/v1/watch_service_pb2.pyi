from antiphon.v1 import deployment_pb2 as _deployment_pb2
from antiphon.v1 import flow_run_pb2 as _flow_run_pb2
from antiphon.v1 import flow_run_service_pb2 as _flow_run_service_pb2
from antiphon.v1 import log_pb2 as _log_pb2
from antiphon.v1 import task_run_pb2 as _task_run_pb2
from antiphon.v1 import worker_pb2 as _worker_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchFlowRunsRequest(_message.Message):
    __slots__ = ("filter", "resume_cursor", "skip_snapshot")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKIP_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    filter: str
    resume_cursor: str
    skip_snapshot: bool
    def __init__(self, filter: _Optional[str] = ..., resume_cursor: _Optional[str] = ..., skip_snapshot: _Optional[bool] = ...) -> None: ...

class WatchFlowRunsResponse(_message.Message):
    __slots__ = ("flow_run", "gone_id", "snapshot_mark", "cursor")
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    GONE_ID_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    gone_id: str
    snapshot_mark: _flow_run_service_pb2.SnapshotMark
    cursor: str
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., gone_id: _Optional[str] = ..., snapshot_mark: _Optional[_Union[_flow_run_service_pb2.SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchServiceWatchTaskRunsRequest(_message.Message):
    __slots__ = ("filter", "resume_cursor", "skip_snapshot")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKIP_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    filter: str
    resume_cursor: str
    skip_snapshot: bool
    def __init__(self, filter: _Optional[str] = ..., resume_cursor: _Optional[str] = ..., skip_snapshot: _Optional[bool] = ...) -> None: ...

class WatchServiceWatchTaskRunsResponse(_message.Message):
    __slots__ = ("task_run", "gone_id", "snapshot_mark", "cursor")
    TASK_RUN_FIELD_NUMBER: _ClassVar[int]
    GONE_ID_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    task_run: _task_run_pb2.TaskRun
    gone_id: str
    snapshot_mark: _flow_run_service_pb2.SnapshotMark
    cursor: str
    def __init__(self, task_run: _Optional[_Union[_task_run_pb2.TaskRun, _Mapping]] = ..., gone_id: _Optional[str] = ..., snapshot_mark: _Optional[_Union[_flow_run_service_pb2.SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchLogsRequest(_message.Message):
    __slots__ = ("filter", "resume_cursor", "skip_snapshot", "newest_lines")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKIP_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_LINES_FIELD_NUMBER: _ClassVar[int]
    filter: str
    resume_cursor: str
    skip_snapshot: bool
    newest_lines: int
    def __init__(self, filter: _Optional[str] = ..., resume_cursor: _Optional[str] = ..., skip_snapshot: _Optional[bool] = ..., newest_lines: _Optional[int] = ...) -> None: ...

class WatchLogsResponse(_message.Message):
    __slots__ = ("log", "snapshot_mark", "cursor")
    LOG_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    log: _log_pb2.Log
    snapshot_mark: _flow_run_service_pb2.SnapshotMark
    cursor: str
    def __init__(self, log: _Optional[_Union[_log_pb2.Log, _Mapping]] = ..., snapshot_mark: _Optional[_Union[_flow_run_service_pb2.SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchDeploymentsRequest(_message.Message):
    __slots__ = ("filter", "resume_cursor", "skip_snapshot")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKIP_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    filter: str
    resume_cursor: str
    skip_snapshot: bool
    def __init__(self, filter: _Optional[str] = ..., resume_cursor: _Optional[str] = ..., skip_snapshot: _Optional[bool] = ...) -> None: ...

class WatchDeploymentsResponse(_message.Message):
    __slots__ = ("deployment", "gone_id", "snapshot_mark", "cursor")
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    GONE_ID_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    gone_id: str
    snapshot_mark: _flow_run_service_pb2.SnapshotMark
    cursor: str
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., gone_id: _Optional[str] = ..., snapshot_mark: _Optional[_Union[_flow_run_service_pb2.SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchWorkersRequest(_message.Message):
    __slots__ = ("filter", "resume_cursor", "skip_snapshot")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKIP_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    filter: str
    resume_cursor: str
    skip_snapshot: bool
    def __init__(self, filter: _Optional[str] = ..., resume_cursor: _Optional[str] = ..., skip_snapshot: _Optional[bool] = ...) -> None: ...

class WatchWorkersResponse(_message.Message):
    __slots__ = ("worker", "gone_id", "snapshot_mark", "cursor")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    GONE_ID_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    worker: _worker_pb2.Worker
    gone_id: str
    snapshot_mark: _flow_run_service_pb2.SnapshotMark
    cursor: str
    def __init__(self, worker: _Optional[_Union[_worker_pb2.Worker, _Mapping]] = ..., gone_id: _Optional[str] = ..., snapshot_mark: _Optional[_Union[_flow_run_service_pb2.SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

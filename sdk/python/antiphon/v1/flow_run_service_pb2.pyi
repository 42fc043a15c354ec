import datetime

from antiphon.v1 import flow_run_pb2 as _flow_run_pb2
from antiphon.v1 import flow_run_command_pb2 as _flow_run_command_pb2
from antiphon.v1 import flow_run_input_pb2 as _flow_run_input_pb2
from antiphon.v1 import operation_pb2 as _operation_pb2
from antiphon.v1 import payload_pb2 as _payload_pb2
from antiphon.v1 import state_pb2 as _state_pb2
from antiphon.v1 import task_run_pb2 as _task_run_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateFlowRunRequest(_message.Message):
    __slots__ = ("flow_run", "request_id")
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    request_id: str
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class GetFlowRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class ListFlowRunsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListFlowRunsResponse(_message.Message):
    __slots__ = ("flow_runs", "next_page_token")
    FLOW_RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flow_runs: _containers.RepeatedCompositeFieldContainer[_flow_run_pb2.FlowRun]
    next_page_token: str
    def __init__(self, flow_runs: _Optional[_Iterable[_Union[_flow_run_pb2.FlowRun, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateFlowRunRequest(_message.Message):
    __slots__ = ("flow_run", "update_mask", "request_id")
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class DeleteFlowRunRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteFlowRunResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFlowRunStatesRequest(_message.Message):
    __slots__ = ("id", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlowRunStatesResponse(_message.Message):
    __slots__ = ("states", "next_page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[_state_pb2.State]
    next_page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_state_pb2.State, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListFlowRunCommandsRequest(_message.Message):
    __slots__ = ("id", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlowRunCommandsResponse(_message.Message):
    __slots__ = ("commands", "next_page_token")
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    commands: _containers.RepeatedCompositeFieldContainer[_flow_run_command_pb2.FlowRunCommand]
    next_page_token: str
    def __init__(self, commands: _Optional[_Iterable[_Union[_flow_run_command_pb2.FlowRunCommand, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelFlowRunRequest(_message.Message):
    __slots__ = ("id", "reason", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CancelFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class PauseFlowRunRequest(_message.Message):
    __slots__ = ("id", "timeout", "pause_key", "input_schema", "reason", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    timeout: _duration_pb2.Duration
    pause_key: str
    input_schema: str
    reason: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., pause_key: _Optional[str] = ..., input_schema: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class PauseFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class SuspendFlowRunRequest(_message.Message):
    __slots__ = ("id", "timeout", "pause_key", "input_schema", "reason", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    timeout: _duration_pb2.Duration
    pause_key: str
    input_schema: str
    reason: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., pause_key: _Optional[str] = ..., input_schema: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SuspendFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class ResumeFlowRunRequest(_message.Message):
    __slots__ = ("id", "input", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    input: _payload_pb2.Payload
    request_id: str
    def __init__(self, id: _Optional[str] = ..., input: _Optional[_Union[_payload_pb2.Payload, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResumeFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class GetFlowRunInputRequest(_message.Message):
    __slots__ = ("flow_run_id", "key")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    key: str
    def __init__(self, flow_run_id: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class GetFlowRunInputResponse(_message.Message):
    __slots__ = ("flow_run_input",)
    FLOW_RUN_INPUT_FIELD_NUMBER: _ClassVar[int]
    flow_run_input: _flow_run_input_pb2.FlowRunInput
    def __init__(self, flow_run_input: _Optional[_Union[_flow_run_input_pb2.FlowRunInput, _Mapping]] = ...) -> None: ...

class ListFlowRunInputsRequest(_message.Message):
    __slots__ = ("flow_run_id", "page_size", "page_token", "key_prefix")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    page_size: int
    page_token: str
    key_prefix: str
    def __init__(self, flow_run_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., key_prefix: _Optional[str] = ...) -> None: ...

class ListFlowRunInputsResponse(_message.Message):
    __slots__ = ("flow_run_inputs", "next_page_token")
    FLOW_RUN_INPUTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flow_run_inputs: _containers.RepeatedCompositeFieldContainer[_flow_run_input_pb2.FlowRunInput]
    next_page_token: str
    def __init__(self, flow_run_inputs: _Optional[_Iterable[_Union[_flow_run_input_pb2.FlowRunInput, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateFlowRunInputRequest(_message.Message):
    __slots__ = ("flow_run_input", "request_id")
    FLOW_RUN_INPUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    flow_run_input: _flow_run_input_pb2.FlowRunInput
    request_id: str
    def __init__(self, flow_run_input: _Optional[_Union[_flow_run_input_pb2.FlowRunInput, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateFlowRunInputResponse(_message.Message):
    __slots__ = ("flow_run_input",)
    FLOW_RUN_INPUT_FIELD_NUMBER: _ClassVar[int]
    flow_run_input: _flow_run_input_pb2.FlowRunInput
    def __init__(self, flow_run_input: _Optional[_Union[_flow_run_input_pb2.FlowRunInput, _Mapping]] = ...) -> None: ...

class DeleteFlowRunInputRequest(_message.Message):
    __slots__ = ("flow_run_id", "key", "request_id")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    key: str
    request_id: str
    def __init__(self, flow_run_id: _Optional[str] = ..., key: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteFlowRunInputResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReceiveFlowRunInputsRequest(_message.Message):
    __slots__ = ("flow_run_id", "key_prefix", "after_sequence", "page_size", "wait_timeout")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    key_prefix: str
    after_sequence: int
    page_size: int
    wait_timeout: _duration_pb2.Duration
    def __init__(self, flow_run_id: _Optional[str] = ..., key_prefix: _Optional[str] = ..., after_sequence: _Optional[int] = ..., page_size: _Optional[int] = ..., wait_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReceiveFlowRunInputsResponse(_message.Message):
    __slots__ = ("flow_run_inputs",)
    FLOW_RUN_INPUTS_FIELD_NUMBER: _ClassVar[int]
    flow_run_inputs: _containers.RepeatedCompositeFieldContainer[_flow_run_input_pb2.FlowRunInput]
    def __init__(self, flow_run_inputs: _Optional[_Iterable[_Union[_flow_run_input_pb2.FlowRunInput, _Mapping]]] = ...) -> None: ...

class AwaitFlowRunRequest(_message.Message):
    __slots__ = ("id", "state_id", "wait_timeout")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state_id: str
    wait_timeout: _duration_pb2.Duration
    def __init__(self, id: _Optional[str] = ..., state_id: _Optional[str] = ..., wait_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AwaitFlowRunResponse(_message.Message):
    __slots__ = ("flow_run",)
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ...) -> None: ...

class WatchFlowRunRequest(_message.Message):
    __slots__ = ("id", "resume_cursor")
    ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_CURSOR_FIELD_NUMBER: _ClassVar[int]
    id: str
    resume_cursor: str
    def __init__(self, id: _Optional[str] = ..., resume_cursor: _Optional[str] = ...) -> None: ...

class WatchFlowRunResponse(_message.Message):
    __slots__ = ("flow_run", "task_run", "snapshot_mark", "cursor")
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_MARK_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    task_run: _task_run_pb2.TaskRun
    snapshot_mark: SnapshotMark
    cursor: str
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., task_run: _Optional[_Union[_task_run_pb2.TaskRun, _Mapping]] = ..., snapshot_mark: _Optional[_Union[SnapshotMark, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class SnapshotMark(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BulkCancelFlowRunsRequest(_message.Message):
    __slots__ = ("filter", "all", "dry_run", "request_id", "reason")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    filter: str
    all: bool
    dry_run: bool
    request_id: str
    reason: str
    def __init__(self, filter: _Optional[str] = ..., all: _Optional[bool] = ..., dry_run: _Optional[bool] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class BulkCancelFlowRunsResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operation_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operation_pb2.Operation, _Mapping]] = ...) -> None: ...

class BulkDeleteFlowRunsRequest(_message.Message):
    __slots__ = ("filter", "all", "dry_run", "request_id")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    filter: str
    all: bool
    dry_run: bool
    request_id: str
    def __init__(self, filter: _Optional[str] = ..., all: _Optional[bool] = ..., dry_run: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkDeleteFlowRunsResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operation_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operation_pb2.Operation, _Mapping]] = ...) -> None: ...

class BulkRetryFlowRunsRequest(_message.Message):
    __slots__ = ("filter", "all", "dry_run", "request_id")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    filter: str
    all: bool
    dry_run: bool
    request_id: str
    def __init__(self, filter: _Optional[str] = ..., all: _Optional[bool] = ..., dry_run: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkRetryFlowRunsResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operation_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operation_pb2.Operation, _Mapping]] = ...) -> None: ...

class BulkSetFlowRunStateRequest(_message.Message):
    __slots__ = ("filter", "all", "dry_run", "request_id", "state", "force")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    all: bool
    dry_run: bool
    request_id: str
    state: _state_pb2.State
    force: bool
    def __init__(self, filter: _Optional[str] = ..., all: _Optional[bool] = ..., dry_run: _Optional[bool] = ..., request_id: _Optional[str] = ..., state: _Optional[_Union[_state_pb2.State, _Mapping]] = ..., force: _Optional[bool] = ...) -> None: ...

class BulkSetFlowRunStateResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operation_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operation_pb2.Operation, _Mapping]] = ...) -> None: ...

import datetime

from antiphon.v1 import deployment_pb2 as _deployment_pb2
from antiphon.v1 import flow_run_pb2 as _flow_run_pb2
from antiphon.v1 import session_pb2 as _session_pb2
from antiphon.v1 import work_pool_pb2 as _work_pool_pb2
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

class OfferDecision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFER_DECISION_UNSPECIFIED: _ClassVar[OfferDecision]
    OFFER_DECISION_TAKEN: _ClassVar[OfferDecision]
    OFFER_DECISION_DECLINED: _ClassVar[OfferDecision]
OFFER_DECISION_UNSPECIFIED: OfferDecision
OFFER_DECISION_TAKEN: OfferDecision
OFFER_DECISION_DECLINED: OfferDecision

class WorkRequest(_message.Message):
    __slots__ = ("hello", "credit", "answer", "started", "exited", "command_result", "heartbeat", "goodbye")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    hello: WorkerHello
    credit: WorkerCredit
    answer: OfferAnswer
    started: InfrastructureStarted
    exited: InfrastructureExited
    command_result: _session_pb2.CommandResult
    heartbeat: _session_pb2.Heartbeat
    goodbye: _session_pb2.Goodbye
    def __init__(self, hello: _Optional[_Union[WorkerHello, _Mapping]] = ..., credit: _Optional[_Union[WorkerCredit, _Mapping]] = ..., answer: _Optional[_Union[OfferAnswer, _Mapping]] = ..., started: _Optional[_Union[InfrastructureStarted, _Mapping]] = ..., exited: _Optional[_Union[InfrastructureExited, _Mapping]] = ..., command_result: _Optional[_Union[_session_pb2.CommandResult, _Mapping]] = ..., heartbeat: _Optional[_Union[_session_pb2.Heartbeat, _Mapping]] = ..., goodbye: _Optional[_Union[_session_pb2.Goodbye, _Mapping]] = ...) -> None: ...

class WorkResponse(_message.Message):
    __slots__ = ("welcome", "offer", "recorded", "command", "heartbeat_ack")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_ACK_FIELD_NUMBER: _ClassVar[int]
    welcome: WorkerWelcome
    offer: WorkOffer
    recorded: Recorded
    command: _session_pb2.Command
    heartbeat_ack: _session_pb2.HeartbeatAck
    def __init__(self, welcome: _Optional[_Union[WorkerWelcome, _Mapping]] = ..., offer: _Optional[_Union[WorkOffer, _Mapping]] = ..., recorded: _Optional[_Union[Recorded, _Mapping]] = ..., command: _Optional[_Union[_session_pb2.Command, _Mapping]] = ..., heartbeat_ack: _Optional[_Union[_session_pb2.HeartbeatAck, _Mapping]] = ...) -> None: ...

class WorkerHello(_message.Message):
    __slots__ = ("name", "work_pool_name", "work_pool_type", "create_work_pool", "work_queue_names", "deployment_ids", "labels", "prefetch", "client", "resume_token", "holds")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_NAME_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATE_WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    WORK_QUEUE_NAMES_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PREFETCH_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    work_pool_name: str
    work_pool_type: str
    create_work_pool: _work_pool_pb2.WorkPool
    work_queue_names: _containers.RepeatedScalarFieldContainer[str]
    deployment_ids: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.ScalarMap[str, str]
    prefetch: _duration_pb2.Duration
    client: str
    resume_token: str
    holds: _containers.RepeatedCompositeFieldContainer[Claim]
    def __init__(self, name: _Optional[str] = ..., work_pool_name: _Optional[str] = ..., work_pool_type: _Optional[str] = ..., create_work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ..., work_queue_names: _Optional[_Iterable[str]] = ..., deployment_ids: _Optional[_Iterable[str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., prefetch: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., client: _Optional[str] = ..., resume_token: _Optional[str] = ..., holds: _Optional[_Iterable[_Union[Claim, _Mapping]]] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("flow_run_id", "fencing_token")
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flow_run_id: str
    fencing_token: int
    def __init__(self, flow_run_id: _Optional[str] = ..., fencing_token: _Optional[int] = ...) -> None: ...

class WorkerWelcome(_message.Message):
    __slots__ = ("worker", "work_pool", "session_id", "resume_token", "lease_timeout", "lost")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEASE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    worker: _worker_pb2.Worker
    work_pool: _work_pool_pb2.WorkPool
    session_id: str
    resume_token: str
    lease_timeout: _duration_pb2.Duration
    lost: _containers.RepeatedCompositeFieldContainer[Claim]
    def __init__(self, worker: _Optional[_Union[_worker_pb2.Worker, _Mapping]] = ..., work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ..., session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., lease_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lost: _Optional[_Iterable[_Union[Claim, _Mapping]]] = ...) -> None: ...

class WorkerCredit(_message.Message):
    __slots__ = ("runs", "none")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NONE_FIELD_NUMBER: _ClassVar[int]
    runs: int
    none: bool
    def __init__(self, runs: _Optional[int] = ..., none: _Optional[bool] = ...) -> None: ...

class WorkOffer(_message.Message):
    __slots__ = ("flow_run", "fencing_token", "deployment", "expire_time")
    FLOW_RUN_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    flow_run: _flow_run_pb2.FlowRun
    fencing_token: int
    deployment: _deployment_pb2.Deployment
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, flow_run: _Optional[_Union[_flow_run_pb2.FlowRun, _Mapping]] = ..., fencing_token: _Optional[int] = ..., deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OfferAnswer(_message.Message):
    __slots__ = ("claim", "decision", "reason", "retry_after")
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    decision: OfferDecision
    reason: str
    retry_after: _duration_pb2.Duration
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ..., decision: _Optional[_Union[OfferDecision, str]] = ..., reason: _Optional[str] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class InfrastructureStarted(_message.Message):
    __slots__ = ("claim", "infrastructure_pid")
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    INFRASTRUCTURE_PID_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    infrastructure_pid: str
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ..., infrastructure_pid: _Optional[str] = ...) -> None: ...

class InfrastructureExited(_message.Message):
    __slots__ = ("claim", "infrastructure_pid", "exit_code", "message")
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    INFRASTRUCTURE_PID_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    infrastructure_pid: str
    exit_code: int
    message: str
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ..., infrastructure_pid: _Optional[str] = ..., exit_code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Recorded(_message.Message):
    __slots__ = ("claim", "exited")
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    exited: bool
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ..., exited: _Optional[bool] = ...) -> None: ...

class WorkerName(_message.Message):
    __slots__ = ("work_pool_name", "name")
    WORK_POOL_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    work_pool_name: str
    name: str
    def __init__(self, work_pool_name: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetWorkerRequest(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: WorkerName
    def __init__(self, id: _Optional[str] = ..., name: _Optional[_Union[WorkerName, _Mapping]] = ...) -> None: ...

class GetWorkerResponse(_message.Message):
    __slots__ = ("worker",)
    WORKER_FIELD_NUMBER: _ClassVar[int]
    worker: _worker_pb2.Worker
    def __init__(self, worker: _Optional[_Union[_worker_pb2.Worker, _Mapping]] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
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

class ListWorkersResponse(_message.Message):
    __slots__ = ("workers", "next_page_token")
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[_worker_pb2.Worker]
    next_page_token: str
    def __init__(self, workers: _Optional[_Iterable[_Union[_worker_pb2.Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteWorkerRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteWorkerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

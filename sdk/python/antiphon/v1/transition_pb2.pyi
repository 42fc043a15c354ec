import datetime

from antiphon.v1 import state_pb2 as _state_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerdictKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_KIND_UNSPECIFIED: _ClassVar[VerdictKind]
    VERDICT_KIND_ACCEPT: _ClassVar[VerdictKind]
    VERDICT_KIND_REJECT: _ClassVar[VerdictKind]
    VERDICT_KIND_WAIT: _ClassVar[VerdictKind]
    VERDICT_KIND_ABORT: _ClassVar[VerdictKind]
VERDICT_KIND_UNSPECIFIED: VerdictKind
VERDICT_KIND_ACCEPT: VerdictKind
VERDICT_KIND_REJECT: VerdictKind
VERDICT_KIND_WAIT: VerdictKind
VERDICT_KIND_ABORT: VerdictKind

class Proposal(_message.Message):
    __slots__ = ("transition_id", "flow_run_id", "task_run_id", "state", "expected_state_id", "force", "fencing_token", "claim", "traceparent")
    TRANSITION_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_STATE_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    transition_id: str
    flow_run_id: str
    task_run_id: str
    state: _state_pb2.State
    expected_state_id: str
    force: bool
    fencing_token: int
    claim: bool
    traceparent: str
    def __init__(self, transition_id: _Optional[str] = ..., flow_run_id: _Optional[str] = ..., task_run_id: _Optional[str] = ..., state: _Optional[_Union[_state_pb2.State, _Mapping]] = ..., expected_state_id: _Optional[str] = ..., force: _Optional[bool] = ..., fencing_token: _Optional[int] = ..., claim: _Optional[bool] = ..., traceparent: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("rule", "kind", "reason", "facts", "remedy")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RULE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    rule: str
    kind: VerdictKind
    reason: str
    facts: _containers.ScalarMap[str, str]
    remedy: str
    def __init__(self, rule: _Optional[str] = ..., kind: _Optional[_Union[VerdictKind, str]] = ..., reason: _Optional[str] = ..., facts: _Optional[_Mapping[str, str]] = ..., remedy: _Optional[str] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("transition_id", "kind", "state", "reason", "findings", "wait_until_time", "run_count", "fencing_token")
    TRANSITION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    transition_id: str
    kind: VerdictKind
    state: _state_pb2.State
    reason: str
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    wait_until_time: _timestamp_pb2.Timestamp
    run_count: int
    fencing_token: int
    def __init__(self, transition_id: _Optional[str] = ..., kind: _Optional[_Union[VerdictKind, str]] = ..., state: _Optional[_Union[_state_pb2.State, _Mapping]] = ..., reason: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., wait_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., run_count: _Optional[int] = ..., fencing_token: _Optional[int] = ...) -> None: ...

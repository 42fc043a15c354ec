from antiphon.v1 import transition_pb2 as _transition_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProposeTransitionRequest(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: _transition_pb2.Proposal
    def __init__(self, proposal: _Optional[_Union[_transition_pb2.Proposal, _Mapping]] = ...) -> None: ...

class ProposeTransitionResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _transition_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_transition_pb2.Verdict, _Mapping]] = ...) -> None: ...

class ExplainTransitionRequest(_message.Message):
    __slots__ = ("proposal", "as_holder")
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    AS_HOLDER_FIELD_NUMBER: _ClassVar[int]
    proposal: _transition_pb2.Proposal
    as_holder: bool
    def __init__(self, proposal: _Optional[_Union[_transition_pb2.Proposal, _Mapping]] = ..., as_holder: _Optional[bool] = ...) -> None: ...

class ExplainTransitionResponse(_message.Message):
    __slots__ = ("verdict", "consequences")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CONSEQUENCES_FIELD_NUMBER: _ClassVar[int]
    verdict: _transition_pb2.Verdict
    consequences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, verdict: _Optional[_Union[_transition_pb2.Verdict, _Mapping]] = ..., consequences: _Optional[_Iterable[str]] = ...) -> None: ...

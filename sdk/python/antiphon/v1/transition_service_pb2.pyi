from antiphon.v1 import transition_pb2 as _transition_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
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
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: _transition_pb2.Proposal
    def __init__(self, proposal: _Optional[_Union[_transition_pb2.Proposal, _Mapping]] = ...) -> None: ...

class ExplainTransitionResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _transition_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_transition_pb2.Verdict, _Mapping]] = ...) -> None: ...

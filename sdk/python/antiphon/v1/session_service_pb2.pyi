from antiphon.v1 import log_pb2 as _log_pb2
from antiphon.v1 import session_pb2 as _session_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttachRequest(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[_session_pb2.ClientFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[_session_pb2.ClientFrame, _Mapping]]] = ...) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[_session_pb2.ServerFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[_session_pb2.ServerFrame, _Mapping]]] = ...) -> None: ...

class UploadRequest(_message.Message):
    __slots__ = ("sequence", "logs")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    logs: _containers.RepeatedCompositeFieldContainer[_log_pb2.Log]
    def __init__(self, sequence: _Optional[int] = ..., logs: _Optional[_Iterable[_Union[_log_pb2.Log, _Mapping]]] = ...) -> None: ...

class UploadResponse(_message.Message):
    __slots__ = ("sequence", "refused")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    refused: _containers.RepeatedCompositeFieldContainer[RefusedLog]
    def __init__(self, sequence: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[RefusedLog, _Mapping]]] = ...) -> None: ...

class RefusedLog(_message.Message):
    __slots__ = ("index", "status")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    index: int
    status: _status_pb2.Status
    def __init__(self, index: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ("hello", "request_id")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    hello: _session_pb2.Hello
    request_id: str
    def __init__(self, hello: _Optional[_Union[_session_pb2.Hello, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class OpenSessionResponse(_message.Message):
    __slots__ = ("welcome",)
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    welcome: _session_pb2.Welcome
    def __init__(self, welcome: _Optional[_Union[_session_pb2.Welcome, _Mapping]] = ...) -> None: ...

class ExchangeFramesRequest(_message.Message):
    __slots__ = ("resume_token", "epoch", "frames")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    epoch: int
    frames: _containers.RepeatedCompositeFieldContainer[_session_pb2.ClientFrame]
    def __init__(self, resume_token: _Optional[str] = ..., epoch: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[_session_pb2.ClientFrame, _Mapping]]] = ...) -> None: ...

class ExchangeFramesResponse(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[_session_pb2.ServerFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[_session_pb2.ServerFrame, _Mapping]]] = ...) -> None: ...

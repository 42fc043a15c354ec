import datetime

from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RetryPolicy(_message.Message):
    __slots__ = ("max_retries", "delays", "jitter_factor")
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    DELAYS_FIELD_NUMBER: _ClassVar[int]
    JITTER_FACTOR_FIELD_NUMBER: _ClassVar[int]
    max_retries: int
    delays: _containers.RepeatedCompositeFieldContainer[_duration_pb2.Duration]
    jitter_factor: float
    def __init__(self, max_retries: _Optional[int] = ..., delays: _Optional[_Iterable[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]]] = ..., jitter_factor: _Optional[float] = ...) -> None: ...

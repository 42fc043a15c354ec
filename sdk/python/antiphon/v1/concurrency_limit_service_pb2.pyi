import datetime

from antiphon.v1 import concurrency_limit_pb2 as _concurrency_limit_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateConcurrencyLimitRequest(_message.Message):
    __slots__ = ("concurrency_limit", "request_id")
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    request_id: str
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateConcurrencyLimitResponse(_message.Message):
    __slots__ = ("concurrency_limit",)
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ...) -> None: ...

class GetConcurrencyLimitRequest(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetConcurrencyLimitResponse(_message.Message):
    __slots__ = ("concurrency_limit",)
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ...) -> None: ...

class ListConcurrencyLimitsRequest(_message.Message):
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

class ListConcurrencyLimitsResponse(_message.Message):
    __slots__ = ("concurrency_limits", "next_page_token")
    CONCURRENCY_LIMITS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    concurrency_limits: _containers.RepeatedCompositeFieldContainer[_concurrency_limit_pb2.ConcurrencyLimit]
    next_page_token: str
    def __init__(self, concurrency_limits: _Optional[_Iterable[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateConcurrencyLimitRequest(_message.Message):
    __slots__ = ("concurrency_limit", "update_mask", "request_id")
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateConcurrencyLimitResponse(_message.Message):
    __slots__ = ("concurrency_limit",)
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ...) -> None: ...

class DeleteConcurrencyLimitRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteConcurrencyLimitResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetConcurrencyLimitRequest(_message.Message):
    __slots__ = ("id", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResetConcurrencyLimitResponse(_message.Message):
    __slots__ = ("concurrency_limit",)
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    concurrency_limit: _concurrency_limit_pb2.ConcurrencyLimit
    def __init__(self, concurrency_limit: _Optional[_Union[_concurrency_limit_pb2.ConcurrencyLimit, _Mapping]] = ...) -> None: ...

class ListSlotsRequest(_message.Message):
    __slots__ = ("id", "name", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSlotsResponse(_message.Message):
    __slots__ = ("slots", "next_page_token")
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    slots: _containers.RepeatedCompositeFieldContainer[_concurrency_limit_pb2.Slot]
    next_page_token: str
    def __init__(self, slots: _Optional[_Iterable[_Union[_concurrency_limit_pb2.Slot, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSlotWaitersRequest(_message.Message):
    __slots__ = ("id", "name", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSlotWaitersResponse(_message.Message):
    __slots__ = ("slot_waiters", "next_page_token")
    SLOT_WAITERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    slot_waiters: _containers.RepeatedCompositeFieldContainer[_concurrency_limit_pb2.SlotWaiter]
    next_page_token: str
    def __init__(self, slot_waiters: _Optional[_Iterable[_Union[_concurrency_limit_pb2.SlotWaiter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AcquireSlotsRequest(_message.Message):
    __slots__ = ("names", "slots", "lease_duration", "wait_timeout", "priority", "holder", "resume_token", "strict", "request_id", "must_decay")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MUST_DECAY_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    slots: int
    lease_duration: _duration_pb2.Duration
    wait_timeout: _duration_pb2.Duration
    priority: int
    holder: str
    resume_token: str
    strict: bool
    request_id: str
    must_decay: bool
    def __init__(self, names: _Optional[_Iterable[str]] = ..., slots: _Optional[int] = ..., lease_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., wait_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[int] = ..., holder: _Optional[str] = ..., resume_token: _Optional[str] = ..., strict: _Optional[bool] = ..., request_id: _Optional[str] = ..., must_decay: _Optional[bool] = ...) -> None: ...

class AcquireSlotsResponse(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: _concurrency_limit_pb2.SlotLease
    def __init__(self, lease: _Optional[_Union[_concurrency_limit_pb2.SlotLease, _Mapping]] = ...) -> None: ...

class RenewSlotsRequest(_message.Message):
    __slots__ = ("lease_id", "lease_duration")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    lease_duration: _duration_pb2.Duration
    def __init__(self, lease_id: _Optional[str] = ..., lease_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RenewSlotsResponse(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: _concurrency_limit_pb2.SlotLease
    def __init__(self, lease: _Optional[_Union[_concurrency_limit_pb2.SlotLease, _Mapping]] = ...) -> None: ...

class ReleaseSlotsRequest(_message.Message):
    __slots__ = ("lease_id", "request_id", "acquire_request_id")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACQUIRE_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    request_id: str
    acquire_request_id: str
    def __init__(self, lease_id: _Optional[str] = ..., request_id: _Optional[str] = ..., acquire_request_id: _Optional[str] = ...) -> None: ...

class ReleaseSlotsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

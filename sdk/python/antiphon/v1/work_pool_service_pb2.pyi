from antiphon.v1 import work_pool_pb2 as _work_pool_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateWorkPoolRequest(_message.Message):
    __slots__ = ("work_pool", "request_id")
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    work_pool: _work_pool_pb2.WorkPool
    request_id: str
    def __init__(self, work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateWorkPoolResponse(_message.Message):
    __slots__ = ("work_pool",)
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    work_pool: _work_pool_pb2.WorkPool
    def __init__(self, work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ...) -> None: ...

class GetWorkPoolRequest(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetWorkPoolResponse(_message.Message):
    __slots__ = ("work_pool",)
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    work_pool: _work_pool_pb2.WorkPool
    def __init__(self, work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ...) -> None: ...

class ListWorkPoolsRequest(_message.Message):
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

class ListWorkPoolsResponse(_message.Message):
    __slots__ = ("work_pools", "next_page_token")
    WORK_POOLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    work_pools: _containers.RepeatedCompositeFieldContainer[_work_pool_pb2.WorkPool]
    next_page_token: str
    def __init__(self, work_pools: _Optional[_Iterable[_Union[_work_pool_pb2.WorkPool, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateWorkPoolRequest(_message.Message):
    __slots__ = ("work_pool", "update_mask", "request_id")
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    work_pool: _work_pool_pb2.WorkPool
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateWorkPoolResponse(_message.Message):
    __slots__ = ("work_pool",)
    WORK_POOL_FIELD_NUMBER: _ClassVar[int]
    work_pool: _work_pool_pb2.WorkPool
    def __init__(self, work_pool: _Optional[_Union[_work_pool_pb2.WorkPool, _Mapping]] = ...) -> None: ...

class DeleteWorkPoolRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteWorkPoolResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateWorkQueueRequest(_message.Message):
    __slots__ = ("work_queue", "request_id")
    WORK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    work_queue: _work_pool_pb2.WorkQueue
    request_id: str
    def __init__(self, work_queue: _Optional[_Union[_work_pool_pb2.WorkQueue, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateWorkQueueResponse(_message.Message):
    __slots__ = ("work_queue",)
    WORK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    work_queue: _work_pool_pb2.WorkQueue
    def __init__(self, work_queue: _Optional[_Union[_work_pool_pb2.WorkQueue, _Mapping]] = ...) -> None: ...

class WorkQueueName(_message.Message):
    __slots__ = ("work_pool_name", "name")
    WORK_POOL_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    work_pool_name: str
    name: str
    def __init__(self, work_pool_name: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetWorkQueueRequest(_message.Message):
    __slots__ = ("id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: WorkQueueName
    def __init__(self, id: _Optional[str] = ..., name: _Optional[_Union[WorkQueueName, _Mapping]] = ...) -> None: ...

class GetWorkQueueResponse(_message.Message):
    __slots__ = ("work_queue",)
    WORK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    work_queue: _work_pool_pb2.WorkQueue
    def __init__(self, work_queue: _Optional[_Union[_work_pool_pb2.WorkQueue, _Mapping]] = ...) -> None: ...

class ListWorkQueuesRequest(_message.Message):
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

class ListWorkQueuesResponse(_message.Message):
    __slots__ = ("work_queues", "next_page_token")
    WORK_QUEUES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    work_queues: _containers.RepeatedCompositeFieldContainer[_work_pool_pb2.WorkQueue]
    next_page_token: str
    def __init__(self, work_queues: _Optional[_Iterable[_Union[_work_pool_pb2.WorkQueue, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateWorkQueueRequest(_message.Message):
    __slots__ = ("work_queue", "update_mask", "request_id")
    WORK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    work_queue: _work_pool_pb2.WorkQueue
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, work_queue: _Optional[_Union[_work_pool_pb2.WorkQueue, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateWorkQueueResponse(_message.Message):
    __slots__ = ("work_queue",)
    WORK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    work_queue: _work_pool_pb2.WorkQueue
    def __init__(self, work_queue: _Optional[_Union[_work_pool_pb2.WorkQueue, _Mapping]] = ...) -> None: ...

class DeleteWorkQueueRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteWorkQueueResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

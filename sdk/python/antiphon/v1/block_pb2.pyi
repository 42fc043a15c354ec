import datetime

from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlockType(_message.Message):
    __slots__ = ("id", "name", "slug", "logo_url", "documentation_url", "description", "code_example", "is_protected", "create_time", "update_time", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    LOGO_URL_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTATION_URL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CODE_EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    IS_PROTECTED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    slug: str
    logo_url: str
    documentation_url: str
    description: str
    code_example: str
    is_protected: bool
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., slug: _Optional[str] = ..., logo_url: _Optional[str] = ..., documentation_url: _Optional[str] = ..., description: _Optional[str] = ..., code_example: _Optional[str] = ..., is_protected: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class BlockSchema(_message.Message):
    __slots__ = ("id", "checksum", "fields", "block_type_id", "block_type_slug", "capabilities", "version", "create_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_SLUG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    checksum: str
    fields: str
    block_type_id: str
    block_type_slug: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    version: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., checksum: _Optional[str] = ..., fields: _Optional[str] = ..., block_type_id: _Optional[str] = ..., block_type_slug: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., version: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockDocument(_message.Message):
    __slots__ = ("id", "name", "data", "block_schema_id", "secret_fields", "is_anonymous", "block_type_id", "block_type_slug", "block_type_name", "create_time", "update_time", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELDS_FIELD_NUMBER: _ClassVar[int]
    IS_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_SLUG_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    data: str
    block_schema_id: str
    secret_fields: _containers.RepeatedScalarFieldContainer[str]
    is_anonymous: bool
    block_type_id: str
    block_type_slug: str
    block_type_name: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., data: _Optional[str] = ..., block_schema_id: _Optional[str] = ..., secret_fields: _Optional[_Iterable[str]] = ..., is_anonymous: _Optional[bool] = ..., block_type_id: _Optional[str] = ..., block_type_slug: _Optional[str] = ..., block_type_name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

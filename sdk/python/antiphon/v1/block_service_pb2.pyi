from antiphon.v1 import block_pb2 as _block_pb2
from antiphon._vendor import validate_pb2 as _validate_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterBlockTypeRequest(_message.Message):
    __slots__ = ("block_type", "block_schema", "request_id")
    BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    block_type: _block_pb2.BlockType
    block_schema: _block_pb2.BlockSchema
    request_id: str
    def __init__(self, block_type: _Optional[_Union[_block_pb2.BlockType, _Mapping]] = ..., block_schema: _Optional[_Union[_block_pb2.BlockSchema, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegisterBlockTypeResponse(_message.Message):
    __slots__ = ("block_type", "block_schema")
    BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    block_type: _block_pb2.BlockType
    block_schema: _block_pb2.BlockSchema
    def __init__(self, block_type: _Optional[_Union[_block_pb2.BlockType, _Mapping]] = ..., block_schema: _Optional[_Union[_block_pb2.BlockSchema, _Mapping]] = ...) -> None: ...

class GetBlockTypeRequest(_message.Message):
    __slots__ = ("id", "slug")
    ID_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    id: str
    slug: str
    def __init__(self, id: _Optional[str] = ..., slug: _Optional[str] = ...) -> None: ...

class GetBlockTypeResponse(_message.Message):
    __slots__ = ("block_type",)
    BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    block_type: _block_pb2.BlockType
    def __init__(self, block_type: _Optional[_Union[_block_pb2.BlockType, _Mapping]] = ...) -> None: ...

class ListBlockTypesRequest(_message.Message):
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

class ListBlockTypesResponse(_message.Message):
    __slots__ = ("block_types", "next_page_token")
    BLOCK_TYPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    block_types: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockType]
    next_page_token: str
    def __init__(self, block_types: _Optional[_Iterable[_Union[_block_pb2.BlockType, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteBlockTypeRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteBlockTypeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetBlockSchemaRequest(_message.Message):
    __slots__ = ("id", "checksum")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    id: str
    checksum: str
    def __init__(self, id: _Optional[str] = ..., checksum: _Optional[str] = ...) -> None: ...

class GetBlockSchemaResponse(_message.Message):
    __slots__ = ("block_schema",)
    BLOCK_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    block_schema: _block_pb2.BlockSchema
    def __init__(self, block_schema: _Optional[_Union[_block_pb2.BlockSchema, _Mapping]] = ...) -> None: ...

class ListBlockSchemasRequest(_message.Message):
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

class ListBlockSchemasResponse(_message.Message):
    __slots__ = ("block_schemas", "next_page_token")
    BLOCK_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    block_schemas: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockSchema]
    next_page_token: str
    def __init__(self, block_schemas: _Optional[_Iterable[_Union[_block_pb2.BlockSchema, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteBlockSchemaRequest(_message.Message):
    __slots__ = ("id", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteBlockSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateBlockDocumentRequest(_message.Message):
    __slots__ = ("block_document", "request_id")
    BLOCK_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    block_document: _block_pb2.BlockDocument
    request_id: str
    def __init__(self, block_document: _Optional[_Union[_block_pb2.BlockDocument, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateBlockDocumentResponse(_message.Message):
    __slots__ = ("block_document",)
    BLOCK_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    block_document: _block_pb2.BlockDocument
    def __init__(self, block_document: _Optional[_Union[_block_pb2.BlockDocument, _Mapping]] = ...) -> None: ...

class BlockDocumentName(_message.Message):
    __slots__ = ("block_type_slug", "name")
    BLOCK_TYPE_SLUG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    block_type_slug: str
    name: str
    def __init__(self, block_type_slug: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetBlockDocumentRequest(_message.Message):
    __slots__ = ("id", "name", "include_secrets")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SECRETS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: BlockDocumentName
    include_secrets: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[_Union[BlockDocumentName, _Mapping]] = ..., include_secrets: _Optional[bool] = ...) -> None: ...

class GetBlockDocumentResponse(_message.Message):
    __slots__ = ("block_document", "referenced")
    BLOCK_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    REFERENCED_FIELD_NUMBER: _ClassVar[int]
    block_document: _block_pb2.BlockDocument
    referenced: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockDocument]
    def __init__(self, block_document: _Optional[_Union[_block_pb2.BlockDocument, _Mapping]] = ..., referenced: _Optional[_Iterable[_Union[_block_pb2.BlockDocument, _Mapping]]] = ...) -> None: ...

class ListBlockDocumentsRequest(_message.Message):
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

class ListBlockDocumentsResponse(_message.Message):
    __slots__ = ("block_documents", "next_page_token")
    BLOCK_DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    block_documents: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockDocument]
    next_page_token: str
    def __init__(self, block_documents: _Optional[_Iterable[_Union[_block_pb2.BlockDocument, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateBlockDocumentRequest(_message.Message):
    __slots__ = ("block_document", "update_mask", "request_id")
    BLOCK_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    block_document: _block_pb2.BlockDocument
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, block_document: _Optional[_Union[_block_pb2.BlockDocument, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateBlockDocumentResponse(_message.Message):
    __slots__ = ("block_document",)
    BLOCK_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    block_document: _block_pb2.BlockDocument
    def __init__(self, block_document: _Optional[_Union[_block_pb2.BlockDocument, _Mapping]] = ...) -> None: ...

class DeleteBlockDocumentRequest(_message.Message):
    __slots__ = ("id", "etag", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteBlockDocumentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateBlockSecretsRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RotateBlockSecretsResponse(_message.Message):
    __slots__ = ("document_count",)
    DOCUMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    document_count: int
    def __init__(self, document_count: _Optional[int] = ...) -> None: ...

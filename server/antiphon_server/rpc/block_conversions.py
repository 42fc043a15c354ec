"""Blocks: rows to messages and messages to operations."""

import json
from typing import Any

from antiphon.v1 import block_pb2 as pb
from antiphon.v1 import block_service_pb2 as service_pb
from antiphon_server.application.block_documents import CreateBlockDocument, UpdateBlockDocument, whole_data
from antiphon_server.application.block_types import RegisterBlockType
from antiphon_server.application.secret_box import SecretBox
from antiphon_server.domain.block_data import Values, parse_object, secret_paths
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.rpc.limit_conversions import stamps
from antiphon_server.rpc.mutations import Columns, masked
from antiphon_server.wire_times import micros_to_timestamp

_TYPE_TEXTS = ("name", "slug", "logo_url", "documentation_url", "description", "code_example")


def type_message(row: Any) -> pb.BlockType:
    texts = {name: getattr(row, name) for name in _TYPE_TEXTS}
    return pb.BlockType(id=row.id, is_protected=row.is_protected, **texts, **stamps(row))


def schema_message(row: Any) -> pb.BlockSchema:
    return pb.BlockSchema(
        id=row.id,
        checksum=row.checksum,
        fields=row.fields,
        block_type_id=row.block_type_id,
        block_type_slug=row.block_type_slug,
        capabilities=json.loads(row.capabilities),
        version=row.class_version,
        create_time=micros_to_timestamp(row.create_time),
    )


def document_message(row: Any, box: SecretBox | None = None) -> pb.BlockDocument:
    """With its secrets where a box is given. Raises FailedPrecondition (ENCRYPTION_KEY_WRONG)."""
    return pb.BlockDocument(
        id=row.id,
        name=row.name,
        data=row.data if box is None else json.dumps(whole_data(box, row)),
        block_schema_id=row.block_schema_id,
        secret_fields=json.loads(row.secret_fields),
        is_anonymous=row.is_anonymous,
        block_type_id=row.block_type_id,
        block_type_slug=row.block_type_slug,
        block_type_name=row.block_type_name,
        **stamps(row),
    )


def register_from(request: service_pb.RegisterBlockTypeRequest) -> RegisterBlockType:
    values = {name: getattr(request.block_type, name) for name in _TYPE_TEXTS}
    if not request.HasField("block_schema"):
        return RegisterBlockType(values, None, (), "")
    schema = request.block_schema
    fields = parse_object(schema.fields, "BLOCK_FIELDS_INVALID", "block_schema.fields")
    secret_paths(fields)
    return RegisterBlockType(values, fields, sorted(set(schema.capabilities)), schema.version)


def create_document_from(request: service_pb.CreateBlockDocumentRequest, box: SecretBox) -> CreateBlockDocument:
    message = request.block_document
    if not message.block_schema_id:
        raise InvalidArgument(
            "BLOCK_SCHEMA_MISSING",
            "block_document.block_schema_id is empty; RegisterBlockType gives the id of a schema",
            field="block_document.block_schema_id",
        )
    if not message.name and not message.is_anonymous:
        raise _unnamed("set is_anonymous if it shall have none")
    if message.name and message.is_anonymous:
        raise InvalidArgument(
            "BLOCK_DOCUMENT_NAMED",
            "an anonymous block document has no name of its own; leave out name or is_anonymous",
            field="block_document.name",
        )
    schema_id, secret_fields = message.block_schema_id.lower(), list(message.secret_fields)
    return CreateBlockDocument(box, message.name, schema_id, _data_of(message.data), secret_fields)


def update_document_from(request: service_pb.UpdateBlockDocumentRequest, box: SecretBox) -> UpdateBlockDocument:
    message = request.block_document
    columns: Columns = {"name": str, "data": _data_of, "block_schema_id": str.lower, "secret_fields": list}
    changes = masked(request.update_mask, message, columns)
    if changes.get("name") == "":
        raise _unnamed("a document keeps the name that it has where update_mask does not name it")
    return UpdateBlockDocument(box, message.id.lower(), message.etag, changes)


def _data_of(text: str) -> Values:
    return parse_object(text, "BLOCK_DATA_INVALID", "block_document.data")


def _unnamed(next_step: str) -> InvalidArgument:
    return InvalidArgument(
        "BLOCK_DOCUMENT_UNNAMED", f"the block document has no name; {next_step}", field="block_document.name"
    )

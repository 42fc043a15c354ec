"""Blocks between messages and objects."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import SecretBytes, SecretStr

from antiphon.client.conversions.values import optional_time, optional_uuid
from antiphon.client.schemas.block_objects import BlockDocument, BlockSchema, BlockType
from antiphon.v1 import block_pb2

__all__ = ["block_data_text", "block_document_from", "block_schema_from", "block_type_from"]


def block_type_from(proto: block_pb2.BlockType) -> BlockType:
    """Return a kind of block."""
    return BlockType(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name,
        slug=proto.slug,
        logo_url=proto.logo_url or None,
        documentation_url=proto.documentation_url or None,
        description=proto.description or None,
        code_example=proto.code_example or None,
        is_protected=proto.is_protected,
    )


def block_schema_from(proto: block_pb2.BlockSchema, kind: BlockType | None = None) -> BlockSchema:
    """Return a schema, with its type where that was read."""
    return BlockSchema(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        checksum=proto.checksum,
        fields=json.loads(proto.fields),
        block_type_id=optional_uuid(proto.block_type_id),
        block_type=kind,
        capabilities=list(proto.capabilities),
        version=proto.version,
    )


def block_document_from(
    proto: block_pb2.BlockDocument, parts: Mapping[str, block_pb2.BlockDocument], schema: BlockSchema | None = None
) -> BlockDocument:
    """Return a document. `parts` are those that it refers to, by id."""
    data = json.loads(proto.data)
    return BlockDocument(
        id=UUID(proto.id),
        created=optional_time(proto, "create_time"),
        updated=optional_time(proto, "update_time"),
        name=proto.name or None,
        data=_filled(data, parts),
        block_schema_id=UUID(proto.block_schema_id),
        block_schema=schema,
        block_type_id=optional_uuid(proto.block_type_id),
        block_type_name=proto.block_type_name or None,
        block_type=schema.block_type if schema is not None else None,
        block_document_references=_references(data, parts),
        is_anonymous=proto.is_anonymous,
    )


def block_data_text(data: dict[str, Any]) -> str:
    """Return values as the contract has them, secrets in the clear. Raises TypeError for what JSON cannot say."""
    return json.dumps(data, default=_secret)


def _secret(value: object) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"The values of a block are what JSON can say, and {type(value).__name__} is not.")


def _referred(value: Any, parts: Mapping[str, block_pb2.BlockDocument]) -> block_pb2.BlockDocument | None:
    """The document that a value stands for, if it does."""
    if not isinstance(value, dict) or value.keys() != {"$ref"} or not isinstance(value["$ref"], dict):
        return None
    return parts.get(str(value["$ref"].get("block_document_id")).lower())


def _filled(value: Any, parts: Mapping[str, block_pb2.BlockDocument]) -> Any:
    if isinstance(value, list):
        return [_filled(each, parts) for each in value]
    if not isinstance(value, dict):
        return value
    part = _referred(value, parts)
    if part is not None:
        return _filled(json.loads(part.data), parts)
    return {key: _filled(each, parts) for key, each in value.items()}


def _references(data: dict[str, Any], parts: Mapping[str, block_pb2.BlockDocument]) -> dict[str, dict[str, Any]]:
    found = ((field, _referred(value, parts)) for field, value in data.items())
    return {field: {"block_document": _named(part, parts)} for field, part in found if part is not None}


def _named(part: block_pb2.BlockDocument, parts: Mapping[str, block_pb2.BlockDocument]) -> dict[str, Any]:
    return {
        "id": part.id,
        "name": part.name,
        "block_type": {"id": part.block_type_id, "name": part.block_type_name, "slug": part.block_type_slug},
        "is_anonymous": part.is_anonymous,
        "block_document_references": _references(json.loads(part.data), parts),
    }

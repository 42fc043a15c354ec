"""Blocks made on the command line: by their class where it is known here, by their schema elsewhere."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.text import Text

from antiphon.blocks import storing
from antiphon.blocks.core import Block
from antiphon.blocks.errors import UnknownBlockType
from antiphon.cli.block_lookup import document_request, find_document, get_type, newest_schema
from antiphon.cli.block_tables import fields_table
from antiphon.exceptions import AntiphonException, ObjectAlreadyExists
from antiphon.service_client import ServiceClient
from antiphon.v1.block_pb2 import BlockDocument, BlockSchema
from antiphon.v1.block_service_pb2 import CreateBlockDocumentRequest, UpdateBlockDocumentRequest


class BlockMisfit(AntiphonException):
    """What was given makes no block of the type."""


def making_page(slug: str) -> RenderableType:
    """How a block of a type is made. Raises BlockNotFound."""
    kind = _class_of(slug)
    if kind is not None:
        kind.register_type_and_schema()
    with ServiceClient() as client:
        described, schema = get_type(client, slug), newest_schema(client, slug)
    parts: list[RenderableType] = [Text(described.name, style="bold"), Text(described.description), ""]
    if schema is not None:
        parts += [fields_table(json.loads(schema.fields)), ""]
    parts += [Text("In Python:"), Text(described.code_example), ""]
    command = f"antiphon block create {slug} --name my-name --data - < values.json"
    parts += [Text("On the command line, from a JSON object with these fields:"), Text(f"  {command}")]
    return Group(*parts)


def make_block(slug: str, name: str, text: str, *, overwrite: bool) -> BlockDocument:
    """Keeps a block. Raises BlockMisfit, BlockNotFound, or what the server says."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BlockMisfit(f"The values are no JSON: {error}.") from None
    if not isinstance(values, dict):
        raise BlockMisfit('The values must be a JSON object, such as \'{"value": "..."}\'.')
    kind = _class_of(slug)
    if kind is not None:
        return _by_class(kind, name, values, overwrite=overwrite)
    with ServiceClient() as client:
        get_type(client, slug)
        schema = newest_schema(client, slug)
        if schema is None:
            raise BlockMisfit(
                f"The type {slug} has no schema. Register its class: `antiphon block register -m MODULE`."
            )
        return _by_schema(client, schema, name, values, overwrite=overwrite)


def _class_of(slug: str) -> type[Block] | None:
    try:
        return Block.get_block_class_from_key(slug)
    except UnknownBlockType:
        return None


def _by_class(kind: type[Block], name: str, values: dict[str, Any], *, overwrite: bool) -> BlockDocument:
    try:
        kind.model_validate(values).save(name, overwrite=overwrite)
    except ValidationError as error:
        raise BlockMisfit(f"The values make no {kind.get_block_type_name()}: {storing.misfit(error)}.") from None
    except ValueError as error:
        raise BlockMisfit(str(error)) from None
    with ServiceClient() as client:
        request = document_request(f"{kind.get_block_type_slug()}/{name}", None)
        return find_document(client, request).block_document


def _by_schema(
    client: ServiceClient, schema: BlockSchema, name: str, values: dict[str, Any], *, overwrite: bool
) -> BlockDocument:
    fields = json.loads(schema.fields)
    problems = [
        f"{error.json_path.removeprefix('$.')}: {error.validator} {json.dumps(error.validator_value)}"
        for error in jsonschema.Draft202012Validator(fields).iter_errors(values)
    ]
    if problems:
        raise BlockMisfit(f"The values do not fit the type {schema.block_type_slug}: {'; '.join(problems)}.")
    document = BlockDocument(name=name, block_schema_id=schema.id, data=json.dumps(values))
    try:
        created: BlockDocument = client.call(
            client.blocks.CreateBlockDocument, CreateBlockDocumentRequest(block_document=document)
        ).block_document
        return created
    except ObjectAlreadyExists:
        if not overwrite:
            raise
    document.id = find_document(client, document_request(f"{schema.block_type_slug}/{name}", None)).block_document.id
    mask = FieldMask(paths=["data", "block_schema_id"])
    request = UpdateBlockDocumentRequest(block_document=document, update_mask=mask)
    updated: BlockDocument = client.call(client.blocks.UpdateBlockDocument, request).block_document
    return updated

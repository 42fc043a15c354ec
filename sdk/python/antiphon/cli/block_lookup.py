"""Blocks by what people type."""

import re

import typer

from antiphon.service_client import ServiceClient
from antiphon.v1.block_pb2 import BlockDocument, BlockSchema, BlockType
from antiphon.v1.block_service_pb2 import (
    BlockDocumentName,
    GetBlockDocumentRequest,
    GetBlockDocumentResponse,
    GetBlockTypeRequest,
    GetBlockTypeResponse,
    ListBlockDocumentsRequest,
    ListBlockSchemasRequest,
)

_NAMED = "is_anonymous = false"


def document_request(name: str | None, id: str | None) -> GetBlockDocumentRequest:
    """What asks for one block. Raises typer.BadParameter."""
    if (name is None) == (id is None):
        raise typer.BadParameter("Name a block as TYPE/NAME, or give its --id.")
    if id is not None:
        return GetBlockDocumentRequest(id=id)
    slug, _, rest = (name or "").partition("/")
    if not slug or not rest:
        raise typer.BadParameter(f"{name!r} is not TYPE/NAME, such as secret/my-token. `antiphon block ls` has them.")
    return GetBlockDocumentRequest(name=BlockDocumentName(block_type_slug=slug, name=rest))


def find_document(client: ServiceClient, request: GetBlockDocumentRequest) -> GetBlockDocumentResponse:
    """The block and what it refers to, without secrets. Raises BlockNotFound, or what `ServiceClient.call` raises."""
    response: GetBlockDocumentResponse = client.call(client.blocks.GetBlockDocument, request)
    return response


def list_documents(client: ServiceClient, most: int, block_type: str = "") -> list[BlockDocument]:
    """Blocks with names of their own, by type and name; of one type where its slug is given."""
    filter_text = f'{_NAMED} AND block_type_slug = "{block_type}"' if block_type else _NAMED
    request = ListBlockDocumentsRequest(filter=filter_text, order_by="block_type_slug, name")
    return list(client.pages(client.blocks.ListBlockDocuments, request, "block_documents", limit=most))


def get_type(client: ServiceClient, slug: str) -> BlockType:
    """The type of that slug. Raises BlockNotFound."""
    response: GetBlockTypeResponse = client.call(client.blocks.GetBlockType, GetBlockTypeRequest(slug=slug))
    return response.block_type


def newest_schema(client: ServiceClient, slug: str) -> BlockSchema | None:
    """The schema of a type that was registered last."""
    if not re.fullmatch("[a-z0-9-]+", slug):
        return None
    request = ListBlockSchemasRequest(filter=f'block_type_slug = "{slug}"', order_by="create_time desc")
    return next(client.pages(client.blocks.ListBlockSchemas, request, "block_schemas", limit=1), None)

"""Block documents."""

import json
from collections.abc import Iterable
from uuid import UUID

from antiphon.client.block_type_operations import find_schema, find_type
from antiphon.client.conversions.blocks import block_data_text, block_document_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_list
from antiphon.client.schemas.block_objects import BlockDocument, BlockDocumentCreate, BlockDocumentUpdate, BlockSchema
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectNotFound, ServerError
from antiphon.v1 import block_pb2
from antiphon.v1.block_service_pb2 import (
    BlockDocumentName,
    CreateBlockDocumentRequest,
    CreateBlockDocumentResponse,
    DeleteBlockDocumentRequest,
    DeleteBlockDocumentResponse,
    GetBlockDocumentRequest,
    GetBlockDocumentResponse,
    GetBlockSchemaRequest,
    GetBlockTypeRequest,
    ListBlockDocumentsRequest,
    ListBlockDocumentsResponse,
    UpdateBlockDocumentRequest,
    UpdateBlockDocumentResponse,
)

__all__ = ["BlockDocumentOperations"]

_NAMED = "is_anonymous = false"


class BlockDocumentOperations(ClientBase):
    """Values of blocks. With `include_secrets` they are whole; without, secrets are asterisks."""

    @operation
    def create_block_document(
        self, block_document: BlockDocument | BlockDocumentCreate, include_secrets: bool = True
    ) -> Work[BlockDocument]:
        """Keep a document, and return it. Secrets may be pydantic's.

        Raises ObjectAlreadyExists, ObjectNotFound for an unknown schema, TypeError for values that JSON cannot say,
        ServerError for a name that cannot be.
        """
        message = block_pb2.BlockDocument(
            name=block_document.name or "",
            data=block_data_text(block_document.data),
            block_schema_id=str(block_document.block_schema_id),
            is_anonymous=block_document.is_anonymous,
        )
        request = CreateBlockDocumentRequest(block_document=message)
        answer = yield from self.call(
            lambda services: services.blocks.CreateBlockDocument, request, CreateBlockDocumentResponse
        )
        found = GetBlockDocumentRequest(id=answer.block_document.id, include_secrets=include_secrets)
        return (yield from _read(self, found, {}))

    @operation
    def read_block_document(self, block_document_id: UUID | str, include_secrets: bool = True) -> Work[BlockDocument]:
        """Return a document. Raises ObjectNotFound."""
        id = uuid_text(block_document_id, "block_document_id")
        return (yield from _read(self, GetBlockDocumentRequest(id=id, include_secrets=include_secrets), {}))

    @operation
    def read_block_document_by_name(
        self, name: str, block_type_slug: str, include_secrets: bool = True
    ) -> Work[BlockDocument]:
        """Return a document. Raises ObjectNotFound, which says which names are close."""
        wanted = BlockDocumentName(block_type_slug=block_type_slug, name=name)
        return (yield from _read(self, GetBlockDocumentRequest(name=wanted, include_secrets=include_secrets), {}))

    @operation
    def read_block_documents(
        self,
        block_schema_type: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
        include_secrets: bool = True,
    ) -> Work[list[BlockDocument]]:
        """Return the documents that have names, by these; at most `limit` (None is 200) behind `offset`.

        `block_schema_type` is the slug of a type. Each document is read by a call of its own.
        """
        slugs = [block_schema_type] if block_schema_type is not None else None
        return (yield from _read_page(self, slugs, offset, limit, include_secrets))

    @operation
    def read_block_documents_by_type(
        self,
        block_type_slug: str,
        offset: int | None = None,
        limit: int | None = None,
        include_secrets: bool = True,
    ) -> Work[list[BlockDocument]]:
        """The same for a type that must be there. Raises ObjectNotFound."""
        yield from find_type(self, GetBlockTypeRequest(slug=block_type_slug))
        return (yield from _read_page(self, [block_type_slug], offset, limit, include_secrets))

    @operation
    def update_block_document(self, block_document_id: UUID | str, block_document: BlockDocumentUpdate) -> Work[None]:
        """Change the values of a document. Those that others changed meanwhile stay where they are not given.

        Raises ObjectNotFound, and as `create_block_document`.
        """
        id = uuid_text(block_document_id, "block_document_id")
        data_text = block_data_text(block_document.data)
        message = block_pb2.BlockDocument(id=id, data=data_text)
        paths = ["data"]
        if block_document.block_schema_id is not None:
            message.block_schema_id = str(block_document.block_schema_id)
            paths.append("block_schema_id")
        while True:
            if block_document.merge_existing_data:
                # Without secrets: where their asterisks are written back, the server keeps what there is.
                before = (yield from _get(self, GetBlockDocumentRequest(id=id))).block_document
                message.data = json.dumps({**json.loads(before.data), **json.loads(data_text)})
                message.etag = before.etag
            request = UpdateBlockDocumentRequest(block_document=message, update_mask={"paths": paths})
            try:
                yield from self.call(
                    lambda services: services.blocks.UpdateBlockDocument, request, UpdateBlockDocumentResponse
                )
                return
            except ServerError as error:
                # Somebody else was faster; each time that happens one change is done.
                if error.code != "ABORTED" or not message.etag:
                    raise

    @operation
    def delete_block_document(self, block_document_id: UUID | str) -> Work[None]:
        """Delete a document. Raises ObjectNotFound; ServerError for one that is part of another."""
        request = DeleteBlockDocumentRequest(id=uuid_text(block_document_id, "block_document_id"))
        yield from self.call(lambda services: services.blocks.DeleteBlockDocument, request, DeleteBlockDocumentResponse)


def _get(client: ClientBase, request: GetBlockDocumentRequest) -> Work[GetBlockDocumentResponse]:
    return (
        yield from client.call(lambda services: services.blocks.GetBlockDocument, request, GetBlockDocumentResponse)
    )


def _read(client: ClientBase, request: GetBlockDocumentRequest, schemas: dict[str, BlockSchema]) -> Work[BlockDocument]:
    """Gives a document with its schema, which is looked for among `schemas`, by id, and put there."""
    answer = yield from _get(client, request)
    schema_id = answer.block_document.block_schema_id
    if schema_id not in schemas:
        schemas[schema_id] = yield from find_schema(client, GetBlockSchemaRequest(id=schema_id))
    parts = {each.id: each for each in answer.referenced}
    return block_document_from(answer.block_document, parts, schemas[schema_id])


def _read_page(
    client: ClientBase, slugs: Iterable[str] | None, offset: int | None, limit: int | None, include_secrets: bool
) -> Work[list[BlockDocument]]:
    condition = _NAMED if slugs is None else f"{_NAMED} AND ({equals('block_type_slug', slugs)})"
    found = yield from read_list(
        client,
        lambda services: services.blocks.ListBlockDocuments,
        ListBlockDocumentsRequest(filter=condition, order_by="name"),
        ListBlockDocumentsResponse,
        "block_documents",
        limit=limit,
        offset=offset,
    )
    documents: list[BlockDocument] = []
    schemas: dict[str, BlockSchema] = {}
    for each in found:
        request = GetBlockDocumentRequest(id=each.id, include_secrets=include_secrets)
        try:
            documents.append((yield from _read(client, request, schemas)))
        except ObjectNotFound:
            continue  # deleted since
    return documents

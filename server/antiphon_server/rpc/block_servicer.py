"""BlockService, loaded on demand."""

from typing import Any

from antiphon.v1 import block_service_pb2 as pb
from antiphon.v1 import block_service_pb2_grpc
from antiphon_server.application import listings, read_back
from antiphon_server.application.block_documents import DeleteBlockDocument, RotateBlockSecrets
from antiphon_server.application.block_types import DeleteBlockSchema, DeleteBlockType
from antiphon_server.application.core import Core, WorkingSet
from antiphon_server.application.queries import Queries
from antiphon_server.application.secret_box import SecretBox
from antiphon_server.rpc.block_conversions import (
    create_document_from,
    document_message,
    register_from,
    schema_message,
    type_message,
    update_document_from,
)
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.reads import listed


class BlockServicer(block_service_pb2_grpc.BlockServiceServicer):
    def __init__(self, core: Core, queries: Queries, box: SecretBox) -> None:
        self._core = core
        self._queries = queries
        self._box = box

    async def RegisterBlockType(
        self, request: pb.RegisterBlockTypeRequest, context: Any
    ) -> pb.RegisterBlockTypeResponse:
        return await mutate(
            self._core, request, register_from(request), pb.RegisterBlockTypeResponse, _registered_response
        )

    async def GetBlockType(self, request: pb.GetBlockTypeRequest, context: Any) -> pb.GetBlockTypeResponse:
        row = await self._queries.block_type(request.id, slug=request.slug)
        return pb.GetBlockTypeResponse(block_type=type_message(row))

    async def ListBlockTypes(self, request: pb.ListBlockTypesRequest, context: Any) -> pb.ListBlockTypesResponse:
        page = await listed(self._queries, listings.BLOCK_TYPES, request)
        types = map(type_message, page.rows)
        return pb.ListBlockTypesResponse(block_types=types, next_page_token=page.next_page_token)

    async def DeleteBlockType(self, request: pb.DeleteBlockTypeRequest, context: Any) -> pb.DeleteBlockTypeResponse:
        return await mutate(
            self._core,
            request,
            DeleteBlockType(request.id.lower(), request.etag),
            pb.DeleteBlockTypeResponse,
            lambda *_: pb.DeleteBlockTypeResponse(),
        )

    async def GetBlockSchema(self, request: pb.GetBlockSchemaRequest, context: Any) -> pb.GetBlockSchemaResponse:
        row = await self._queries.block_schema(request.id, checksum=request.checksum)
        return pb.GetBlockSchemaResponse(block_schema=schema_message(row))

    async def ListBlockSchemas(self, request: pb.ListBlockSchemasRequest, context: Any) -> pb.ListBlockSchemasResponse:
        page = await listed(self._queries, listings.BLOCK_SCHEMAS, request)
        schemas = map(schema_message, page.rows)
        return pb.ListBlockSchemasResponse(block_schemas=schemas, next_page_token=page.next_page_token)

    async def DeleteBlockSchema(
        self, request: pb.DeleteBlockSchemaRequest, context: Any
    ) -> pb.DeleteBlockSchemaResponse:
        return await mutate(
            self._core,
            request,
            DeleteBlockSchema(request.id.lower()),
            pb.DeleteBlockSchemaResponse,
            lambda *_: pb.DeleteBlockSchemaResponse(),
        )

    async def CreateBlockDocument(
        self, request: pb.CreateBlockDocumentRequest, context: Any
    ) -> pb.CreateBlockDocumentResponse:
        # Answers to mutations are remembered, so they have no secrets.
        return await mutate(
            self._core,
            request,
            create_document_from(request, self._box),
            pb.CreateBlockDocumentResponse,
            lambda working_set, id: pb.CreateBlockDocumentResponse(
                block_document=document_message(read_back.block_document(working_set, id))
            ),
            digests_of=self._box.digests_of,
        )

    async def GetBlockDocument(self, request: pb.GetBlockDocumentRequest, context: Any) -> pb.GetBlockDocumentResponse:
        rows = await self._queries.block_document(request.id, slug=request.name.block_type_slug, name=request.name.name)
        box = self._box if request.include_secrets else None
        first, *others = (document_message(row, box) for row in rows)
        return pb.GetBlockDocumentResponse(block_document=first, referenced=others)

    async def ListBlockDocuments(
        self, request: pb.ListBlockDocumentsRequest, context: Any
    ) -> pb.ListBlockDocumentsResponse:
        page = await listed(self._queries, listings.BLOCK_DOCUMENTS, request)
        documents = map(document_message, page.rows)
        return pb.ListBlockDocumentsResponse(block_documents=documents, next_page_token=page.next_page_token)

    async def UpdateBlockDocument(
        self, request: pb.UpdateBlockDocumentRequest, context: Any
    ) -> pb.UpdateBlockDocumentResponse:
        update = update_document_from(request, self._box)
        return await mutate(
            self._core,
            request,
            update,
            pb.UpdateBlockDocumentResponse,
            lambda working_set, _: pb.UpdateBlockDocumentResponse(
                block_document=document_message(read_back.block_document(working_set, update.id))
            ),
            digests_of=self._box.digests_of,
        )

    async def DeleteBlockDocument(
        self, request: pb.DeleteBlockDocumentRequest, context: Any
    ) -> pb.DeleteBlockDocumentResponse:
        return await mutate(
            self._core,
            request,
            DeleteBlockDocument(request.id.lower(), request.etag),
            pb.DeleteBlockDocumentResponse,
            lambda *_: pb.DeleteBlockDocumentResponse(),
        )

    async def RotateBlockSecrets(
        self, request: pb.RotateBlockSecretsRequest, context: Any
    ) -> pb.RotateBlockSecretsResponse:
        return await mutate(
            self._core,
            request,
            RotateBlockSecrets(self._box),
            pb.RotateBlockSecretsResponse,
            lambda _, count: pb.RotateBlockSecretsResponse(document_count=count),
            bulk=True,
        )


def _registered_response(working_set: WorkingSet, ids: tuple[str, str]) -> pb.RegisterBlockTypeResponse:
    """Type and schema as readers will see them once this transaction is committed."""
    type_id, schema_id = ids
    response = pb.RegisterBlockTypeResponse(block_type=type_message(read_back.block_type(working_set, type_id)))
    if schema_id:
        response.block_schema.CopyFrom(schema_message(read_back.block_schema(working_set, schema_id)))
    return response


def add_to(server: Any, parts: Parts) -> None:
    servicer = BlockServicer(parts.core, parts.queries, SecretBox(parts.encryption))
    block_service_pb2_grpc.add_BlockServiceServicer_to_server(servicer, server)

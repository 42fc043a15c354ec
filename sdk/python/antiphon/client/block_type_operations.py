"""Kinds of blocks, and their schemas."""

import json
from uuid import UUID

from antiphon.client.conversions.blocks import block_schema_from, block_type_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.filter_texts import equals
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_all, read_list
from antiphon.client.schemas.block_objects import (
    BlockSchema,
    BlockSchemaCreate,
    BlockType,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from antiphon.engine.dual import Work
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound
from antiphon.v1 import block_pb2
from antiphon.v1.block_service_pb2 import (
    DeleteBlockTypeRequest,
    DeleteBlockTypeResponse,
    GetBlockSchemaRequest,
    GetBlockSchemaResponse,
    GetBlockTypeRequest,
    GetBlockTypeResponse,
    ListBlockSchemasRequest,
    ListBlockSchemasResponse,
    ListBlockTypesRequest,
    ListBlockTypesResponse,
    RegisterBlockTypeRequest,
    RegisterBlockTypeResponse,
)

__all__ = ["BlockTypeOperations"]


class BlockTypeOperations(ClientBase):
    """Kinds of blocks, and which fields those have."""

    @operation
    def create_block_type(self, block_type: BlockTypeCreate) -> Work[BlockType]:
        """Make a type, and return it. Raises ObjectAlreadyExists for a slug that is taken."""
        try:
            yield from find_type(self, GetBlockTypeRequest(slug=block_type.slug))
        except ObjectNotFound:
            message = block_pb2.BlockType(**block_type.model_dump(exclude_none=True))
            return block_type_from((yield from _registered(self, message)).block_type)
        raise ObjectAlreadyExists(
            f"There is a block type {block_type.slug!r} already. Change it by update_block_type, or take another slug.",
            code="ALREADY_EXISTS",
        )

    @operation
    def read_block_type_by_slug(self, slug: str) -> Work[BlockType]:
        """Return a type. Raises ObjectNotFound."""
        return block_type_from((yield from find_type(self, GetBlockTypeRequest(slug=slug))))

    @operation
    def read_block_types(self) -> Work[list[BlockType]]:
        """Return all types, by name."""
        method = lambda services: services.blocks.ListBlockTypes  # noqa: E731
        request = ListBlockTypesRequest(order_by="name")
        found = yield from read_all(self, method, request, ListBlockTypesResponse, "block_types")
        return list(map(block_type_from, found))

    @operation
    def update_block_type(self, block_type_id: UUID | str, block_type: BlockTypeUpdate) -> Work[None]:
        """Change what is said of a type. Raises ObjectNotFound."""
        message = yield from find_type(self, GetBlockTypeRequest(id=uuid_text(block_type_id, "block_type_id")))
        message.MergeFrom(block_pb2.BlockType(**block_type.model_dump(exclude_none=True)))
        yield from _registered(self, message)

    @operation
    def delete_block_type(self, block_type_id: UUID | str) -> Work[None]:
        """Delete a type with its schemas and documents.

        Raises ObjectNotFound; ServerError for one that comes with Antiphon, and where its documents are part of others.
        """
        request = DeleteBlockTypeRequest(id=uuid_text(block_type_id, "block_type_id"))
        yield from self.call(lambda services: services.blocks.DeleteBlockType, request, DeleteBlockTypeResponse)

    @operation
    def create_block_schema(self, block_schema: BlockSchemaCreate) -> Work[BlockSchema]:
        """Make a schema of a type, and return it; one that is there is returned as it is.

        Raises ObjectNotFound for an unknown type, ValueError where none is named.
        """
        if block_schema.block_type_id is None:
            raise ValueError("block_type_id is needed: a schema is one of a block type. create_block_type gives one.")
        kind = yield from find_type(self, GetBlockTypeRequest(id=str(block_schema.block_type_id)))
        message = block_pb2.BlockSchema(
            fields=json.dumps(block_schema.fields),
            capabilities=block_schema.capabilities,
            version=block_schema.version,
        )
        answer = yield from _registered(self, kind, message)
        return block_schema_from(answer.block_schema, block_type_from(answer.block_type))

    @operation
    def read_block_schema_by_checksum(self, checksum: str, version: str | None = None) -> Work[BlockSchema]:
        """Return a schema, where `version` is given of that version. Raises ObjectNotFound."""
        found = yield from find_schema(self, GetBlockSchemaRequest(checksum=checksum))
        if version is not None and found.version != version:
            raise ObjectNotFound(
                f"The block schema {checksum} is of version {found.version!r}, and there is none of {version!r}.",
                code="NOT_FOUND",
            )
        return found

    @operation
    def read_block_schemas(self) -> Work[list[BlockSchema]]:
        """Return all schemas, newest first."""
        method = lambda services: services.blocks.ListBlockSchemas  # noqa: E731
        found = yield from read_all(self, method, ListBlockSchemasRequest(), ListBlockSchemasResponse, "block_schemas")
        return list(map(block_schema_from, found))

    @operation
    def get_most_recent_block_schema_for_block_type(self, block_type_id: UUID | str) -> Work[BlockSchema | None]:
        """Return the newest schema of a type, or None."""
        method = lambda services: services.blocks.ListBlockSchemas  # noqa: E731
        request = ListBlockSchemasRequest(filter=equals("block_type_id", [uuid_text(block_type_id, "block_type_id")]))
        found = yield from read_list(self, method, request, ListBlockSchemasResponse, "block_schemas", limit=1)
        return block_schema_from(found[0]) if found else None


def find_type(client: ClientBase, request: GetBlockTypeRequest) -> Work[block_pb2.BlockType]:
    """Gives a type as the server has it. Raises ObjectNotFound."""
    answer = yield from client.call(lambda services: services.blocks.GetBlockType, request, GetBlockTypeResponse)
    return answer.block_type


def find_schema(client: ClientBase, request: GetBlockSchemaRequest) -> Work[BlockSchema]:
    """Gives a schema with its type. Raises ObjectNotFound."""
    answer = yield from client.call(lambda services: services.blocks.GetBlockSchema, request, GetBlockSchemaResponse)
    kind = yield from find_type(client, GetBlockTypeRequest(id=answer.block_schema.block_type_id))
    return block_schema_from(answer.block_schema, block_type_from(kind))


def _registered(
    client: ClientBase, kind: block_pb2.BlockType, schema: block_pb2.BlockSchema | None = None
) -> Work[RegisterBlockTypeResponse]:
    request = RegisterBlockTypeRequest(block_type=kind, block_schema=schema)
    return (
        yield from client.call(lambda services: services.blocks.RegisterBlockType, request, RegisterBlockTypeResponse)
    )

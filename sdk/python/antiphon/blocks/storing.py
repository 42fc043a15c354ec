"""Blocks on the server: registered, saved, read and deleted. Generators of effects, for sync and async code alike."""

import json
import re
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import ValidationError

from antiphon.blocks import dumping
from antiphon.blocks.annotations import classes_in
from antiphon.blocks.errors import InvalidBlockRegistration
from antiphon.engine.dual import Work
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import ObjectAlreadyExists
from antiphon.given_clients import AnyClient
from antiphon.v1.block_pb2 import BlockDocument, BlockSchema, BlockType
from antiphon.v1.block_service_pb2 import (
    BlockDocumentName,
    CreateBlockDocumentRequest,
    CreateBlockDocumentResponse,
    DeleteBlockDocumentRequest,
    DeleteBlockDocumentResponse,
    GetBlockDocumentRequest,
    GetBlockDocumentResponse,
    RegisterBlockTypeRequest,
    RegisterBlockTypeResponse,
    UpdateBlockDocumentRequest,
    UpdateBlockDocumentResponse,
)

#: In a dump's context: the block that is being saved. Saved ones inside of it are written as references.
SAVING = "block_being_saved"
#: The key under which a loaded block finds what it is called.
IDENTITY = "_block_document"
SLUG = "block_type_slug"


def is_base(kind: Any) -> bool:
    """Whether it is Block itself."""
    return "_is_base_block" in vars(kind)


def register(kind: Any, client: AnyClient = None) -> Work[BlockSchema]:
    """Registers a class and the block classes in its annotations. Raises InvalidBlockRegistration."""
    if is_base(kind):
        raise InvalidBlockRegistration(
            "Block itself is no type of block. Define a subclass, and register or save that."
        )
    schema = yield from _registered(kind, set(), client)
    return schema


def _registered(kind: Any, seen: set[Any], client: AnyClient) -> Work[BlockSchema]:
    seen.add(kind)
    for field in kind.model_fields.values():
        for inner in classes_in(field.annotation):
            if hasattr(inner, "get_block_type_slug") and not is_base(inner) and inner not in seen:
                yield from _registered(inner, seen, client)
    request = RegisterBlockTypeRequest(
        block_type=BlockType(
            name=kind.get_block_type_name(),
            slug=kind.get_block_type_slug(),
            logo_url=str(kind._logo_url or ""),
            documentation_url=str(kind._documentation_url or ""),
            description=kind.get_description() or "",
            code_example=kind.get_code_example() or "",
        ),
        block_schema=BlockSchema(
            fields=json.dumps(kind.model_json_schema()),
            capabilities=sorted(kind.get_block_capabilities()),
            version=kind.get_block_schema_version(),
        ),
    )
    response = yield from call_server(
        lambda client: client.blocks.RegisterBlockType, request, RegisterBlockTypeResponse, client=client
    )
    return response.block_schema


def save(block: Any, name: str | None, *, is_anonymous: bool, overwrite: bool, client: AnyClient = None) -> Work[UUID]:
    """Keeps a block and gives its id. Raises ValueError for a name that is missing, wrong or taken."""
    name = name or (None if is_anonymous else block._block_document_name)
    _check_name(name, is_anonymous=is_anonymous)
    schema = yield from register(type(block), client)
    document = BlockDocument(
        name=name or "",
        is_anonymous=is_anonymous,
        block_schema_id=schema.id,
        data=json.dumps(_data_of(block)),
        secret_fields=sorted(set(dumping.secret_places(block))),
    )
    try:
        made = yield from _created(document, client)
    except ObjectAlreadyExists:
        if not overwrite:
            raise ValueError(
                f"There is a block {schema.block_type_slug}/{name} already. Save with overwrite=True to replace it, "
                "or choose another name."
            ) from None
        made = yield from _replaced(document, schema.block_type_slug, client)
    identify(block, made)
    return UUID(made.id)


def _created(document: BlockDocument, client: AnyClient) -> Work[BlockDocument]:
    request = CreateBlockDocumentRequest(block_document=document)
    method = lambda client: client.blocks.CreateBlockDocument  # noqa: E731
    response = yield from call_server(method, request, CreateBlockDocumentResponse, client=client)
    return response.block_document


def _replaced(document: BlockDocument, slug: str, client: AnyClient) -> Work[BlockDocument]:
    answer = yield from read(
        GetBlockDocumentRequest(name=BlockDocumentName(block_type_slug=slug, name=document.name)), client
    )
    document.id = answer.block_document.id
    request = UpdateBlockDocumentRequest(
        block_document=document, update_mask=FieldMask(paths=["data", "block_schema_id", "secret_fields"])
    )
    method = lambda client: client.blocks.UpdateBlockDocument  # noqa: E731
    response = yield from call_server(method, request, UpdateBlockDocumentResponse, client=client)
    return response.block_document


def read(request: GetBlockDocumentRequest, client: AnyClient = None) -> Work[GetBlockDocumentResponse]:
    """Reads a document. Raises BlockNotFound."""
    method = lambda client: client.blocks.GetBlockDocument  # noqa: E731
    response = yield from call_server(method, request, GetBlockDocumentResponse, client=client)
    return response


def delete(slug: str, name: str, client: AnyClient = None) -> Work[None]:
    """Deletes the block of that name. Raises BlockNotFound; ServerError where it is part of another."""
    answer = yield from read(GetBlockDocumentRequest(name=BlockDocumentName(block_type_slug=slug, name=name)), client)
    request = DeleteBlockDocumentRequest(id=answer.block_document.id)
    method = lambda client: client.blocks.DeleteBlockDocument  # noqa: E731
    yield from call_server(method, request, DeleteBlockDocumentResponse, client=client)


def identify(block: Any, document: BlockDocument) -> None:
    """Has a block know what it is called on the server."""
    block._block_document_id = UUID(document.id)
    block._block_document_name = document.name
    block._is_anonymous = document.is_anonymous
    block._block_type_id = UUID(document.block_type_id)
    block._block_schema_id = UUID(document.block_schema_id)


def misfit(error: ValidationError) -> str:
    """What does not fit, without the values: they may be secret."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)


def _data_of(block: Any) -> dict[str, Any]:
    dumped = block.model_dump(mode="json", by_alias=True, context={"include_secrets": True, SAVING: block})
    keys = type(block).model_json_schema()["properties"].keys()
    return {key: value for key, value in dumped.items() if key in keys}


def _check_name(name: str | None, *, is_anonymous: bool) -> None:
    if name is None:
        if not is_anonymous:
            raise ValueError("The block has no name yet: save it under one, as in block.save('my-block').")
    elif not re.fullmatch("[a-z0-9-]+", name):
        close = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
        hint = f", such as {close!r}" if close else ""
        raise ValueError(f"{name!r} cannot be the name of a block: use lowercase letters, digits and dashes{hint}.")

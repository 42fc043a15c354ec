"""Saved blocks made into objects again."""

import json
import warnings
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from antiphon.blocks import storing
from antiphon.engine.dual import Work
from antiphon.given_clients import AnyClient
from antiphon.v1.block_pb2 import BlockDocument
from antiphon.v1.block_service_pb2 import BlockDocumentName, GetBlockDocumentRequest, GetBlockDocumentResponse


def full_name(kind: Any, name: str) -> tuple[str, str]:
    """Slug and name of what a class is asked to load. Raises ValueError."""
    slug, slash, rest = name.partition("/")
    if storing.is_base(kind):
        if not slug or not rest:
            raise ValueError(
                f"{name!r} does not say which type of block is meant. Write 'type/name', such as 'secret/my-token', or "
                "use the block's own class."
            )
        return slug, rest
    own = kind.get_block_type_slug()
    if slash and slug != own:
        raise ValueError(f"{name!r} is no block of the type {own!r}. {kind.__name__} takes the name alone.")
    found = rest if slash else name
    if not found:
        raise ValueError(f"The name of the block is empty. `antiphon block ls` has those of the type {own!r}.")
    return own, found


def request(kind: Any, name: str) -> GetBlockDocumentRequest:
    """What asks for a block by its name. Raises as `full_name`."""
    return _named(*full_name(kind, name))


def request_by_ref(ref: Any) -> GetBlockDocumentRequest:
    """What asks for a block by an id, `type/name`, or a dict with one of them. Raises ValueError."""
    name = ref.get("block_document_slug") if isinstance(ref, dict) else ref
    if isinstance(name, str):
        slug, _, rest = name.partition("/")
        if slug and rest:
            return _named(slug, rest)
    id = ref.get("block_document_id") if isinstance(ref, dict) else ref
    try:
        return GetBlockDocumentRequest(id=str(id if isinstance(id, UUID) else UUID(id)), include_secrets=True)
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"{ref!r} says no block. Give its id, 'type/name', or a dict with block_document_id or block_document_slug."
        ) from None


def _named(slug: str, name: str) -> GetBlockDocumentRequest:
    return GetBlockDocumentRequest(name=BlockDocumentName(block_type_slug=slug, name=name), include_secrets=True)


def loaded(kind: Any, wanted: GetBlockDocumentRequest, validate: bool, client: AnyClient = None) -> Work[Any]:
    """Gives the block, of `kind` or a class below it. Raises as `Block.load`."""
    answer = yield from storing.read(wanted, client)
    return _made(kind, answer, validate)


def _made(base: Any, answer: GetBlockDocumentResponse, validate: bool) -> Any:
    document, values = answer.block_document, values_of(answer, named=True)
    kind = base._class_for(document.block_type_slug)
    try:
        block = kind.model_validate(values)
    except ValidationError as error:
        problem = f"The block {document.block_type_slug}/{document.name} does not fit {kind.__name__} any more"
        if validate:
            raise RuntimeError(
                f"{problem}: {storing.misfit(error)}. Save it anew, or load it with validate=False and mend it."
            ) from None
        warnings.warn(f"{problem}, and was loaded as it is: {storing.misfit(error)}.", stacklevel=2)
        missing = {str(each["loc"][0]): None for each in error.errors() if each["type"] == "missing" and each["loc"]}
        block = kind.model_construct(**missing, **values)
    storing.identify(block, document)
    return block


def values_of(answer: GetBlockDocumentResponse, *, named: bool = False) -> dict[str, Any]:
    """The values of a document; in the places of others stand their values, with what they are called if `named`."""
    documents = {document.id: document for document in answer.referenced}
    values: dict[str, Any] = _filled(json.loads(answer.block_document.data), documents, named)
    return values


def _filled(value: Any, documents: dict[str, BlockDocument], named: bool) -> Any:
    if isinstance(value, list):
        return [_filled(each, documents, named) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if len(value) == 1 and isinstance(reference, dict) and "block_document_id" in reference:
        document = documents[str(reference["block_document_id"]).lower()]
        values: dict[str, Any] = _filled(json.loads(document.data), documents, named)
        return {**values, storing.SLUG: document.block_type_slug, storing.IDENTITY: document} if named else values
    return {key: _filled(each, documents, named) for key, each in value.items()}

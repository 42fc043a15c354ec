"""Blocks by the client: types, schemas, documents."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from antiphon.client.schemas.actions import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from antiphon.client.schemas.objects import BlockSchema, BlockType
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound, ServerError

FIELDS = {"type": "object", "properties": {"user": {}, "password": {}}, "secret_fields": ["password"]}
HIDDEN = "********"


def login(api: Any) -> tuple[BlockType, BlockSchema]:
    """A type of a test's own, and a schema of it."""
    kind = api.create_block_type(BlockTypeCreate(name="Login", slug=f"login-{uuid4().hex[:8]}", description="old"))
    schema = api.create_block_schema(BlockSchemaCreate(fields=FIELDS, block_type_id=kind.id, capabilities=["b", "a"]))
    return kind, schema


def kept(api: Any, schema: BlockSchema, name: str, **data: Any) -> Any:
    return api.create_block_document(BlockDocumentCreate(name=name, data=data, block_schema_id=schema.id))


def test_types(api: Any) -> None:
    kind, _ = login(api)
    assert api.read_block_type_by_slug(kind.slug).description == "old"
    api.update_block_type(kind.id, BlockTypeUpdate(description="new", logo_url="https://example.com/a.png"))
    changed = api.read_block_type_by_slug(kind.slug)
    assert (changed.id, changed.name, changed.description) == (kind.id, "Login", "new")
    assert changed.logo_url == "https://example.com/a.png" and not changed.is_protected
    assert kind.id in [each.id for each in api.read_block_types()]
    with pytest.raises(ObjectAlreadyExists, match=r"There is a block type .* already\. Change it by update_block_type"):
        api.create_block_type(BlockTypeCreate(name="Another", slug=kind.slug))
    api.delete_block_type(kind.id)
    for call in (lambda: api.read_block_type_by_slug(kind.slug), lambda: api.delete_block_type(kind.id)):
        with pytest.raises(ObjectNotFound):
            call()


def test_schemas(api: Any) -> None:
    kind, schema = login(api)
    assert (schema.fields, schema.block_type_id, schema.capabilities) == (FIELDS, kind.id, ["a", "b"])
    assert schema.version == "non-versioned" and schema.block_type is not None
    same = api.create_block_schema(BlockSchemaCreate(fields=FIELDS, block_type_id=kind.id, capabilities=["a", "b"]))
    assert same.id == schema.id
    assert api.read_block_type_by_slug(kind.slug).description == "old"
    newer = api.create_block_schema(BlockSchemaCreate(fields={"type": "object"}, block_type_id=kind.id, version="2"))
    assert api.get_most_recent_block_schema_for_block_type(kind.id).id == newer.id
    assert api.get_most_recent_block_schema_for_block_type(uuid4()) is None
    assert api.read_block_schema_by_checksum(newer.checksum, "2").id == newer.id
    assert [each.id for each in api.read_block_schemas() if each.block_type_id == kind.id] == [newer.id, schema.id]
    with pytest.raises(ObjectNotFound, match="is of version '2', and there is none of '3'"):
        api.read_block_schema_by_checksum(newer.checksum, "3")
    with pytest.raises(ValueError, match="block_type_id is needed"):
        api.create_block_schema(BlockSchemaCreate(fields=FIELDS))


def test_documents(api: Any) -> None:
    kind, schema = login(api)
    made = kept(api, schema, "prod", user="ann", password=SecretStr("pw"))
    assert made.data == {"user": "ann", "password": "pw"} and made.name == "prod"
    assert (made.block_type_name, made.block_type.slug, made.block_schema.id) == ("Login", kind.slug, schema.id)
    assert api.read_block_document(made.id, include_secrets=False).data == {"user": "ann", "password": HIDDEN}
    assert api.read_block_document_by_name("prod", kind.slug) == made
    # A merge keeps what is not given, secrets among it.
    api.update_block_document(made.id, BlockDocumentUpdate(data={"user": "bob"}))
    assert api.read_block_document(made.id).data == {"user": "bob", "password": "pw"}
    api.update_block_document(made.id, BlockDocumentUpdate(data={"user": "cy"}, merge_existing_data=False))
    assert api.read_block_document(made.id).data == {"user": "cy"}
    with pytest.raises(ObjectAlreadyExists):
        kept(api, schema, "prod")
    with pytest.raises(TypeError, match="what JSON can say, and object is not"):
        kept(api, schema, "other", user=object())
    with pytest.raises(ServerError, match="has no name"):
        api.create_block_document(BlockDocumentCreate(block_schema_id=schema.id))
    api.delete_block_document(made.id)
    for call in (lambda: api.read_block_document(made.id), lambda: api.read_block_document_by_name("prod", kind.slug)):
        with pytest.raises(ObjectNotFound):
            call()


def test_documents_in_documents(api: Any) -> None:
    _, schema = login(api)
    inner = kept(api, schema, "inner", password="pw")
    outer = kept(api, schema, "outer", user={"$ref": {"block_document_id": str(inner.id)}})
    assert outer.data == {"user": {"password": "pw"}}
    (field, part), *_ = outer.block_document_references.items()
    assert (field, part["block_document"]["name"], UUID(part["block_document"]["id"])) == ("user", "inner", inner.id)
    assert api.read_block_document(outer.id, include_secrets=False).data == {"user": {"password": HIDDEN}}
    # The reference stays one where another field is changed.
    api.update_block_document(outer.id, BlockDocumentUpdate(data={"password": "x"}))
    api.update_block_document(inner.id, BlockDocumentUpdate(data={"password": "newer"}))
    assert api.read_block_document(outer.id).data == {"user": {"password": "newer"}, "password": "x"}
    with pytest.raises(ServerError, match="is part of block document"):
        api.delete_block_document(inner.id)


def test_lists_of_documents(api: Any) -> None:
    kind, schema = login(api)
    for name in ("b", "c", "a"):
        kept(api, schema, name, password=name)
    api.create_block_document(BlockDocumentCreate(data={}, block_schema_id=schema.id, is_anonymous=True))

    def names(**options: Any) -> list[str]:
        return [each.name for each in api.read_block_documents_by_type(kind.slug, **options)]

    assert names() == ["a", "b", "c"]
    assert names(limit=1, offset=1) == ["b"]
    assert [each.data["password"] for each in api.read_block_documents(kind.slug)] == ["a", "b", "c"]
    hidden = api.read_block_documents(kind.slug, include_secrets=False)
    assert {each.data["password"] for each in hidden} == {HIDDEN}
    assert {"a", "b", "c"} <= {each.name for each in api.read_block_documents(limit=1000)}
    with pytest.raises(ObjectNotFound):
        api.read_block_documents_by_type("nobody-has-this")

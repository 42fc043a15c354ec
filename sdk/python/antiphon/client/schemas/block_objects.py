"""Blocks as the server keeps them: kinds of them, which fields those have, and documents with values."""

from typing import Any
from uuid import UUID

from pydantic import Field

from antiphon.client.schemas.bases import AntiphonBaseModel, ObjectBaseModel

__all__ = [
    "BlockDocument",
    "BlockDocumentCreate",
    "BlockDocumentUpdate",
    "BlockSchema",
    "BlockSchemaCreate",
    "BlockType",
    "BlockTypeCreate",
    "BlockTypeUpdate",
]


class BlockType(ObjectBaseModel):
    """A kind of block."""

    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    #: Markdown.
    description: str | None = None
    code_example: str | None = None
    #: Whether it comes with Antiphon, and cannot be deleted.
    is_protected: bool = False


class BlockSchema(ObjectBaseModel):
    """Which fields the blocks of a type have. It never changes."""

    checksum: str
    #: A JSON schema.
    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: UUID | None = None
    block_type: BlockType | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = "non-versioned"


class BlockDocument(ObjectBaseModel):
    """Values under a name. In `data` other documents stand with their values; secrets not asked for are asterisks."""

    name: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID | None = None
    block_type_name: str | None = None
    block_type: BlockType | None = None
    #: By field, the document that stands there: `{"login": {"block_document": {"id": ..., "name": ...}}}`.
    block_document_references: dict[str, dict[str, Any]] = Field(default_factory=dict)
    is_anonymous: bool = False


class BlockTypeCreate(AntiphonBaseModel):
    """A new kind of block."""

    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(AntiphonBaseModel):
    """A change of a kind of block; None leaves things as they are."""

    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockSchemaCreate(AntiphonBaseModel):
    """A schema of a type. `fields["secret_fields"]` are the paths of secrets."""

    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: UUID | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = "non-versioned"


class BlockDocumentCreate(AntiphonBaseModel):
    """A new document. `{"$ref": {"block_document_id": ID}}` in its data stands for another one."""

    name: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    #: Of its schema, whatever is said here.
    block_type_id: UUID | None = None
    is_anonymous: bool = False


class BlockDocumentUpdate(AntiphonBaseModel):
    """A change of a document. With `merge_existing_data` fields that are not given stay."""

    block_schema_id: UUID | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    merge_existing_data: bool = True

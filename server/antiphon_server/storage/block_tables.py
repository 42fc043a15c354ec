"""The tables of blocks: types, schemas, documents. Conventions as in `tables`."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text

from antiphon_server.storage.tables import Id, Micros, metadata

__all__ = ["block_documents", "block_references", "block_schemas", "block_types"]

# Kinds of blocks: what documents of one are called, and what people learn of it.
block_types = Table(
    "block_types",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("logo_url", Text, nullable=False),
    Column("documentation_url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("code_example", Text, nullable=False),
    Column("is_protected", Boolean, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# Which fields documents have; a row never changes.
block_schemas = Table(
    "block_schemas",
    metadata,
    Column("id", Id, primary_key=True),
    Column("block_type_id", Id, nullable=False),
    Column("checksum", Text, nullable=False, unique=True),
    # A JSON schema.
    Column("fields", Text, nullable=False),
    # JSON list, sorted.
    Column("capabilities", Text, nullable=False),
    # Of the package that the class is from.
    Column("class_version", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "block_type_id"),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

block_documents = Table(
    "block_documents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("block_type_id", Id, nullable=False),
    Column("block_schema_id", Id, nullable=False),
    # JSON, with the mask in the places of secrets.
    Column("data", Text, nullable=False),
    # The whole JSON, encrypted; NULL where nothing in it is secret.
    Column("secrets", LargeBinary),
    # JSON list: paths that are secret besides those of the schema.
    Column("secret_fields", Text, nullable=False),
    Column("is_anonymous", Boolean, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "block_type_id", "name", unique=True),
    Index(None, "block_schema_id"),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# Which documents are part of which.
block_references = Table(
    "block_references",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("referenced_id", Id, primary_key=True),
    Index(None, "referenced_id"),
    sqlite_with_rowid=False,
)

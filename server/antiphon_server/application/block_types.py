"""Block types and their schemas: registered and deleted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import rows
from antiphon_server.domain.block_data import Values, checksum_of
from antiphon_server.domain.block_names import PROTECTED
from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.storage.block_tables import block_documents, block_references, block_schemas, block_types
from antiphon_server.storage.working_set import Needs, WorkingSet

TYPE, SCHEMA = "block type", "block schema"


@dataclass(slots=True)
class RegisterBlockType:
    """A type by its slug and, where `fields` are given, a schema of it. The answer is their ids."""

    #: Columns, among them `slug`.
    values: dict[str, Any]
    fields: Values | None
    capabilities: Sequence[str]
    class_version: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> tuple[str, str]:
        type_id = self._type(working_set)
        return type_id, "" if self.fields is None else self._schema(working_set, type_id, self.fields)

    def _type(self, working_set: WorkingSet) -> str:
        types, slug = block_types, self.values["slug"]
        working_set.flush()
        row = working_set.connection.execute(types.select().where(types.c.slug == slug)).one_or_none()
        if row is None:
            return rows.add(working_set, types, {**self.values, "is_protected": slug in PROTECTED})
        if any(getattr(row, name) != value for name, value in self.values.items()):
            rows.change(working_set, types, row, self.values)
        return str(row.id)

    def _schema(self, working_set: WorkingSet, type_id: str, fields: Values) -> str:
        schemas, checksum = block_schemas, checksum_of(self.values["slug"], fields, self.capabilities)
        found = select(schemas.c.id).where(schemas.c.checksum == checksum)
        id: str | None = working_set.connection.execute(found).scalar_one_or_none()
        return id or rows.add(
            working_set,
            schemas,
            {
                "block_type_id": type_id,
                "checksum": checksum,
                "fields": json.dumps(fields),
                "capabilities": json.dumps(sorted(self.capabilities)),
                "class_version": self.class_version,
            },
        )


@dataclass(slots=True)
class DeleteBlockType:
    """Deletes one type with its schemas and documents."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, block_types, TYPE, self.id, self.etag)
        if row.is_protected:
            raise FailedPrecondition(
                "BLOCK_TYPE_PROTECTED",
                f"the block type {row.slug} comes with Antiphon and stays; its documents can be deleted one by one",
            )
        documents, references = block_documents, block_references
        own = select(documents.c.id).where(documents.c.block_type_id == row.id)
        self._check_unused(working_set, row, own)
        execute = working_set.connection.execute
        execute(references.delete().where(references.c.document_id.in_(own)))
        execute(documents.delete().where(documents.c.block_type_id == row.id))
        execute(block_schemas.delete().where(block_schemas.c.block_type_id == row.id))
        execute(block_types.delete().where(block_types.c.id == row.id))

    def _check_unused(self, working_set: WorkingSet, row: Any, own: Any) -> None:
        references = block_references
        used = select(references.c.document_id, references.c.referenced_id).where(
            references.c.referenced_id.in_(own), references.c.document_id.not_in(own)
        )
        first = working_set.connection.execute(used.limit(1)).one_or_none()
        if first is not None:
            raise FailedPrecondition(
                "BLOCK_DOCUMENT_IN_USE",
                f"documents of the block type {row.slug} are part of others: {first.referenced_id} of "
                f"{first.document_id}. Delete or change those first",
            )


@dataclass(slots=True)
class DeleteBlockSchema:
    """Deletes one schema that no document has."""

    id: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, block_schemas, SCHEMA, self.id)
        if rows.exists(working_set, block_documents, block_schema_id=row.id):
            raise FailedPrecondition(
                "BLOCK_SCHEMA_IN_USE", f"block schema {row.id} is that of documents; delete or change those first"
            )
        working_set.connection.execute(block_schemas.delete().where(block_schemas.c.id == row.id))

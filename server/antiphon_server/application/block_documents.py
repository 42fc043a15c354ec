"""Block documents: kept, changed and deleted. What is secret of them is encrypted, beside values that are masked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from uuid_utils import uuid7

from antiphon_server.application import rows
from antiphon_server.application.block_types import SCHEMA
from antiphon_server.application.secret_box import SecretBox
from antiphon_server.domain.block_data import (
    Values,
    check_cost,
    has_mask,
    masked,
    referenced_ids,
    secret_paths,
    shown_paths,
    unmasked,
)
from antiphon_server.domain.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, not_found
from antiphon_server.domain.filter_values import UUID_TEXT
from antiphon_server.storage.block_tables import block_documents, block_references, block_schemas
from antiphon_server.storage.statements import chunks
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "block document"
MOST_REFERENCES = 1_000


@dataclass(slots=True)
class CreateBlockDocument:
    """A document by a name that its type has none of. The answer is its id."""

    box: SecretBox
    #: Empty for an anonymous one.
    name: str
    block_schema_id: str
    data: Values
    secret_fields: Sequence[str]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        schema = _schema(working_set, self.block_schema_id)
        name = self.name or f"anonymous-{uuid7()}"
        _check_free(working_set, schema.block_type_id, name)
        references = _existing_references(working_set, self.data)
        values = {
            "name": name,
            "block_type_id": schema.block_type_id,
            "block_schema_id": schema.id,
            "is_anonymous": not self.name,
            "secret_fields": json.dumps(list(self.secret_fields)),
            **_columns(working_set, self.box, schema, self.data, self.secret_fields),
        }
        id = rows.add(working_set, block_documents, values)
        _refer(working_set, id, references)
        return id


@dataclass(slots=True)
class UpdateBlockDocument:
    """Changes one document. `changes` are of `name`, `data`, `block_schema_id` and `secret_fields`, as the contract has
    them, and were checked."""

    box: SecretBox
    id: str
    etag: str
    changes: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, block_documents, NOUN, self.id, self.etag)
        values: dict[str, Any] = {}
        name = self.changes.get("name", row.name)
        if name != row.name:
            _check_free(working_set, row.block_type_id, name)
            values |= {"name": name, "is_anonymous": False}
        if self.changes.keys() - {"name"}:
            values |= self._contents(working_set, row)
        rows.change(working_set, block_documents, row, values)

    def _contents(self, working_set: WorkingSet, row: Any) -> dict[str, Any]:
        schema = _schema(working_set, self.changes.get("block_schema_id", row.block_schema_id))
        if schema.block_type_id != row.block_type_id:
            raise InvalidArgument(
                "BLOCK_SCHEMA_OF_OTHER_TYPE",
                f"block schema {schema.id} is of another type than block document {row.id}; a document keeps its type",
                field="block_document.block_schema_id",
            )
        data, secret_fields = self._data(working_set, row, schema)
        if "data" in self.changes:
            references = _existing_references(working_set, data)
            _check_no_cycle(working_set, row, references)
            _forget_references(working_set, row.id)
            _refer(working_set, row.id, references)
        return {
            "block_schema_id": schema.id,
            "secret_fields": json.dumps(secret_fields),
            **_columns(working_set, self.box, schema, data, secret_fields),
        }

    def _data(self, working_set: WorkingSet, row: Any, schema: Any) -> tuple[Values, list[str]]:
        """The values as they are to be, and what is secret of them besides what the schema says."""
        known = json.loads(row.secret_fields)
        secret_fields = list(self.changes.get("secret_fields", known))
        before = schema if schema.id == row.block_schema_id else _schema(working_set, row.block_schema_id)
        earlier = _paths(before)
        if "data" in self.changes:
            data: Values = self.changes["data"]
            paths = list(dict.fromkeys([*earlier, *known]))
            check_cost(data, paths)
            earlier = [path for path in earlier if has_mask(data, [path])]
            if row.secrets is not None and has_mask(data, paths):
                data = unmasked(data, whole_data(self.box, row), paths)
        else:
            data = whole_data(self.box, row)
        # What was secret by the earlier schema and stays as it was is no less secret by the new one.
        now = list(dict.fromkeys([*_paths(schema), *secret_fields]))
        check_cost(data, [*now, *earlier])
        return data, [*secret_fields, *shown_paths(masked(data, now), earlier)]


@dataclass(slots=True)
class DeleteBlockDocument:
    """Deletes one document that is no part of another."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, block_documents, NOUN, self.id, self.etag)
        references = block_references
        users = select(references.c.document_id).where(references.c.referenced_id == row.id)
        user = working_set.connection.execute(users.limit(1)).scalar_one_or_none()
        if user is not None:
            raise FailedPrecondition(
                "BLOCK_DOCUMENT_IN_USE",
                f"block document {row.id} ({row.name}) is part of block document {user}; delete or change that first",
            )
        _forget_references(working_set, row.id)
        working_set.connection.execute(block_documents.delete().where(block_documents.c.id == row.id))


@dataclass(slots=True)
class RotateBlockSecrets:
    """Has every secret encrypted with the first key. The answer is how many documents have some."""

    box: SecretBox

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> int:
        documents = block_documents
        found = select(documents.c.id, documents.c.name, documents.c.secrets).where(documents.c.secrets.is_not(None))
        secret = working_set.connection.execute(found).fetchall()
        for row in secret:
            renewed = self.box.renew(row.secrets, described(row))
            working_set.connection.execute(documents.update().where(documents.c.id == row.id).values(secrets=renewed))
        return len(secret)


def whole_data(box: SecretBox, row: Any) -> Values:
    """The values of a document with its secrets. Raises FailedPrecondition (ENCRYPTION_KEY_WRONG)."""
    values: Values = json.loads(row.data if row.secrets is None else box.open(row.secrets, described(row)))
    return values


def described(row: Any) -> str:
    return f"{NOUN} {row.name} ({row.id})"


def _columns(
    working_set: WorkingSet, box: SecretBox, schema: Any, data: Values, secret_fields: Sequence[str]
) -> dict[str, Any]:
    """The columns that hold the values."""
    paths = list(dict.fromkeys([*_paths(schema), *secret_fields]))
    check_cost(data, paths)
    shown = masked(data, paths)
    secrets = None if shown == data else box.seal(working_set, json.dumps(data).encode())
    return {"data": json.dumps(shown), "secrets": secrets}


def _paths(schema: Any) -> list[str]:
    return secret_paths(json.loads(schema.fields))


def _schema(working_set: WorkingSet, id: str) -> Any:
    return rows.find(working_set, block_schemas, SCHEMA, id, why="register it with RegisterBlockType first")


def _check_free(working_set: WorkingSet, type_id: str, name: str) -> None:
    if rows.exists(working_set, block_documents, block_type_id=type_id, name=name):
        raise AlreadyExists(
            "BLOCK_DOCUMENT_EXISTS",
            f"there is a block document {name!r} of this type already; update it, or choose another name",
        )


def _existing_references(working_set: WorkingSet, data: Values) -> list[str]:
    """The documents that stand in the values.

    Raises NotFound (BLOCK_DOCUMENT_NOT_FOUND), InvalidArgument (BLOCK_DATA_INVALID) for too many.
    """
    ids = sorted({id.lower() for id in referenced_ids(data)})
    if len(ids) > MOST_REFERENCES:
        raise InvalidArgument(
            "BLOCK_DATA_INVALID",
            f"the block refers to {len(ids):,} others, and may to {MOST_REFERENCES:,}",
            field="block_document.data",
        )
    for id in ids:
        # Of what JSON says as text, not all can be asked for in a database.
        if not UUID_TEXT.fullmatch(id):
            raise _no_part(id)
    working_set.flush()
    documents, known = block_documents, set[str]()
    for some in chunks(ids):
        found = select(documents.c.id).where(documents.c.id.in_(some))
        known.update(working_set.connection.execute(found).scalars())
    for id in ids:
        if id not in known:
            raise _no_part(id)
    return ids


def _no_part(id: str) -> NotFound:
    return not_found(NOUN, id, "it cannot be part of this one")


def _check_no_cycle(working_set: WorkingSet, row: Any, references: Sequence[str]) -> None:
    """Raises FailedPrecondition (BLOCK_REFERENCE_CYCLE) where a document would be part of itself."""
    table = block_references
    seen: set[str] = set()
    left = list(references)
    while left and row.id not in left:
        seen.update(left)
        found: set[str] = set()
        for some in chunks(left):
            query = select(table.c.referenced_id).where(table.c.document_id.in_(some))
            found.update(working_set.connection.execute(query).scalars())
        left = sorted(found - seen)
    if left:
        raise FailedPrecondition(
            "BLOCK_REFERENCE_CYCLE",
            f"{described(row)} would be part of itself by its references; refer to a document that does not contain it",
        )


def _refer(working_set: WorkingSet, id: str, references: Sequence[str]) -> None:
    if references:
        rows_of = [{"document_id": id, "referenced_id": each} for each in references]
        working_set.connection.execute(block_references.insert(), rows_of)


def _forget_references(working_set: WorkingSet, id: str) -> None:
    references = block_references
    working_set.connection.execute(references.delete().where(references.c.document_id == id))

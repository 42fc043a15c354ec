"""What the RPCs of blocks do, for the tests of every unary RPC."""

import json
from typing import Any

from work_calls import Ask, Check
from world import LOGIN, World, login_type

MASKED = {"user": "ann", "password": "********", "headers": {"token": "********"}, "port": 5432}


def part_of(world: World) -> str:
    """A new document of which the one that is there is part."""
    data = json.dumps({"login": {"$ref": {"block_document_id": world.block.upper()}}, "user": "bob"})
    document = {"name": "whole", "blockSchemaId": world.schema, "data": data}
    return str(world.call("CreateBlockDocument", {"blockDocument": document}).block_document.id)


def document(world: World, id: str, *, secrets: bool = True) -> Any:
    """The values of a document."""
    response = world.call("GetBlockDocument", {"id": id, "includeSecrets": secrets})
    return json.loads(response.block_document.data)


def spare_schema(world: World) -> str:
    """Another schema of the same type, which no document has."""
    return str(world.call("RegisterBlockType", login_type(title="another")).block_schema.id)


#: RPC -> (request, what must hold of the answer).
BLOCKS_DO: dict[str, tuple[Ask, Check]] = {
    "RegisterBlockType": (
        lambda w: login_type(capabilities=("write-path", "read-path", "read-path")),
        lambda r, w: (
            (r.block_type.id, r.block_type.etag, r.block_type.is_protected) == (w.block_type, "1", False)
            and r.block_schema.id != w.schema
            and (r.block_schema.capabilities, r.block_schema.version) == (["read-path", "write-path"], "1.0")
            and r.block_schema.block_type_slug == "login"
            and r == w.call("RegisterBlockType", login_type(capabilities=("read-path", "write-path")))
            and w.call("RegisterBlockType", {"blockType": {"name": "X", "slug": "secret"}}).block_type.is_protected
        ),
    ),
    "GetBlockType": (
        lambda w: {"slug": "login"},
        lambda r, w: r == w.call("GetBlockType", {"id": w.block_type.upper()}) and r.block_type.name == "Login",
    ),
    "ListBlockTypes": (
        lambda w: {"filter": 'slug = "lo*" AND is_protected = false', "orderBy": "slug desc"},
        lambda r, w: [each.id for each in r.block_types] == [w.block_type],
    ),
    "DeleteBlockType": (
        lambda w: {"id": w.block_type} if part_of(w) else {},
        lambda r, w: (
            w.refused("GetBlockType", {"id": w.block_type}).reason == "BLOCK_TYPE_NOT_FOUND"
            and w.call("ListBlockDocuments").block_documents == w.call("ListBlockSchemas").block_schemas == []
        ),
    ),
    "GetBlockSchema": (
        lambda w: {"id": w.schema.upper()},
        lambda r, w: r == w.call("GetBlockSchema", {"checksum": r.block_schema.checksum}),
    ),
    "ListBlockSchemas": (
        lambda w: {"filter": 'block_type_slug = login AND version = "1.0" AND NOT capabilities:"read-path"'},
        lambda r, w: [each.id for each in r.block_schemas] == [w.schema],
    ),
    "DeleteBlockSchema": (
        lambda w: {"id": spare_schema(w)},
        lambda r, w: [each.id for each in w.call("ListBlockSchemas").block_schemas] == [w.schema],
    ),
    "CreateBlockDocument": (
        lambda w: {
            "blockDocument": {
                "isAnonymous": True,
                "blockSchemaId": w.schema,
                "data": '{"password": null, "more": [{"key": "k"}, "x", {"key": 3}]}',
                "secretFields": ["more.key"],
            }
        },
        lambda r, w: (
            (r.block_document.is_anonymous, r.block_document.name[:10]) == (True, "anonymous-")
            and json.loads(r.block_document.data)
            == {"password": None, "more": [{"key": "********"}, "x", {"key": "********"}]}
            and document(w, r.block_document.id) == {"password": None, "more": [{"key": "k"}, "x", {"key": 3}]}
        ),
    ),
    "GetBlockDocument": (
        lambda w: {"id": part_of(w), "includeSecrets": True},
        lambda r, w: (
            [json.loads(each.data) for each in r.referenced] == [json.loads(LOGIN)]
            and json.loads(r.block_document.data)["login"]["$ref"]["block_document_id"] == w.block.upper()
            and document(w, w.block, secrets=False) == MASKED
            and r.block_document.block_type_name == "Login"
        ),
    ),
    "ListBlockDocuments": (
        lambda w: {"filter": "is_anonymous = false AND block_type_slug = login", "orderBy": "block_type_slug, name"},
        lambda r, w: [(each.id, json.loads(each.data)) for each in r.block_documents] == [(w.block, MASKED)],
    ),
    "UpdateBlockDocument": (
        lambda w: {
            "blockDocument": {
                "id": w.block,
                "name": "staging",
                "etag": "1",
                "data": '{"user": "joe", "password": "********", "headers": {"token": "new", "b": "********"}}',
                "blockSchemaId": spare_schema(w).upper(),
                "secretFields": ["user"],
            },
            "updateMask": "name,data,blockSchemaId,secretFields",
        },
        lambda r, w: (
            (r.block_document.name, r.block_document.etag) == ("staging", "2")
            and json.loads(r.block_document.data)["user"] == "********"
            and document(w, w.block)
            == {"user": "joe", "password": "pw-7Kx", "headers": {"token": "new", "b": "********"}}
        ),
    ),
    "DeleteBlockDocument": (
        lambda w: {"id": w.block, "etag": "1"},
        lambda r, w: w.refused("GetBlockDocument", {"id": w.block}).reason == "BLOCK_DOCUMENT_NOT_FOUND",
    ),
    "RotateBlockSecrets": (
        lambda w: {},
        lambda r, w: r.document_count == 1 and document(w, w.block) == json.loads(LOGIN),
    ),
}

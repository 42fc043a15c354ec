"""The RPCs of blocks refuse what is wrong, as all do (test_unary_refusals)."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from block_calls import MASKED, document, part_of
from world import LOGIN, MISSING, World, login_type

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, EXISTS, ABORTED, FAILED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
)


def ref(id: str) -> str:
    return json.dumps({"x": [{"$ref": {"block_document_id": id}}]})


def create(**fields: Any) -> Ask:
    return lambda w: {"blockDocument": {"name": "new", "blockSchemaId": w.schema, **fields}}


def update(paths: str, **fields: Any) -> Ask:
    return lambda w: {"blockDocument": {"id": w.block, **fields}, "updateMask": paths}


def register(**schema: Any) -> Ask:
    return lambda w: {"blockType": {"name": "X", "slug": "x"}, "blockSchema": schema}


def by_name(slug: str, name: str) -> Ask:
    return lambda w: {"name": {"blockTypeSlug": slug, "name": name}}


def circle(w: World) -> dict[str, Any]:
    """Has a document be part of one that is part of it."""
    return {"blockDocument": {"id": w.block, "data": ref(part_of(w))}, "updateMask": "data"}


def of_other_type(w: World) -> dict[str, Any]:
    other = w.call("RegisterBlockType", login_type("other")).block_schema.id
    return {"blockDocument": {"id": w.block, "blockSchemaId": other}, "updateMask": "blockSchemaId"}


def used_by_other_type(w: World) -> dict[str, Any]:
    other = w.call("RegisterBlockType", login_type("other")).block_schema.id
    w.call("CreateBlockDocument", {"blockDocument": {"name": "o", "blockSchemaId": other, "data": ref(w.block)}})
    return {"id": w.block_type}


def protected(w: World) -> dict[str, Any]:
    return {"id": w.call("RegisterBlockType", login_type("secret")).block_type.id}


def second(w: World) -> dict[str, Any]:
    made = w.call("CreateBlockDocument", {"blockDocument": {"name": "second", "blockSchemaId": w.schema}})
    return {"blockDocument": {"id": made.block_document.id, "name": "prod"}, "updateMask": "name"}


DATA, NAME, SCHEMA = "block_document.data", "block_document.name", "block_document.block_schema_id"
#: (RPC, request, code, reason, fields of BadRequest)
REFUSES: list[tuple[str, Ask, grpc.StatusCode, str, tuple[str, ...]]] = [
    ("RegisterBlockType", register(fields="[]"), INVALID, "BLOCK_FIELDS_INVALID", ("block_schema.fields",)),
    ("RegisterBlockType", register(fields="{]"), INVALID, "BLOCK_FIELDS_INVALID", ("block_schema.fields",)),
    (
        "RegisterBlockType",
        register(fields='{"secret_fields": "password"}'),
        INVALID,
        "BLOCK_FIELDS_INVALID",
        ("block_schema.fields",),
    ),
    ("RegisterBlockType", register(), INVALID, "FIELD_INVALID", ("block_schema.fields",)),
    ("RegisterBlockType", lambda w: {}, INVALID, "FIELD_INVALID", ("block_type",)),
    *(
        (
            "RegisterBlockType",
            lambda w, slug=slug: {"blockType": {"name": "X", "slug": slug}},
            INVALID,
            "FIELD_INVALID",
            ("block_type.slug",),
        )
        for slug in ("", "Big", "under_score", "sp ace", "x\n")
    ),
    ("DeleteBlockType", lambda w: {"id": w.block_type, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
    ("DeleteBlockType", protected, FAILED, "BLOCK_TYPE_PROTECTED", ()),
    ("DeleteBlockType", used_by_other_type, FAILED, "BLOCK_DOCUMENT_IN_USE", ()),
    ("DeleteBlockSchema", lambda w: {"id": w.schema}, FAILED, "BLOCK_SCHEMA_IN_USE", ()),
    ("CreateBlockDocument", create(name="prod"), EXISTS, "BLOCK_DOCUMENT_EXISTS", ()),
    ("CreateBlockDocument", create(name=""), INVALID, "BLOCK_DOCUMENT_UNNAMED", (NAME,)),
    ("CreateBlockDocument", create(isAnonymous=True), INVALID, "BLOCK_DOCUMENT_NAMED", (NAME,)),
    ("CreateBlockDocument", create(name="My_Block"), INVALID, "FIELD_INVALID", (NAME,)),
    ("CreateBlockDocument", create(blockSchemaId=""), INVALID, "BLOCK_SCHEMA_MISSING", (SCHEMA,)),
    ("CreateBlockDocument", create(blockSchemaId=MISSING), NOT_FOUND, "BLOCK_SCHEMA_NOT_FOUND", ()),
    ("CreateBlockDocument", create(data="[]"), INVALID, "BLOCK_DATA_INVALID", (DATA,)),
    ("CreateBlockDocument", create(data=ref(MISSING)), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    (
        "CreateBlockDocument",
        create(data=json.dumps({"x": [{"$ref": {"block_document_id": str(each)}} for each in range(1001)]})),
        INVALID,
        "BLOCK_DATA_INVALID",
        (DATA,),
    ),
    (
        "CreateBlockDocument",
        create(data=json.dumps({"x": [0] * 15_000}), secretFields=[f"x{each}" for each in range(20)]),
        INVALID,
        "BLOCK_DATA_INVALID",
        (DATA,),
    ),
    ("CreateBlockDocument", create(data=ref("no id")), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("CreateBlockDocument", create(data=ref("\ud800")), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("CreateBlockDocument", create(data=ref("x" * 900_000)), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("UpdateBlockDocument", update("data", data=ref("\ud800")), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("CreateBlockDocument", create(secretFields=[""]), INVALID, "FIELD_INVALID", ("block_document.secret_fields[0]",)),
    ("GetBlockDocument", by_name("login", "pord"), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("GetBlockDocument", by_name("lugin", "prod"), NOT_FOUND, "BLOCK_TYPE_NOT_FOUND", ()),
    ("GetBlockDocument", by_name("", ""), INVALID, "FIELD_INVALID", ("name.block_type_slug", "name.name")),
    ("UpdateBlockDocument", second, EXISTS, "BLOCK_DOCUMENT_EXISTS", ()),
    ("UpdateBlockDocument", update("name"), INVALID, "BLOCK_DOCUMENT_UNNAMED", (NAME,)),
    ("UpdateBlockDocument", update("data", data="7"), INVALID, "BLOCK_DATA_INVALID", (DATA,)),
    ("UpdateBlockDocument", update("data", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
    ("UpdateBlockDocument", update("data", id=MISSING), NOT_FOUND, "BLOCK_DOCUMENT_NOT_FOUND", ()),
    ("UpdateBlockDocument", update("isAnonymous"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
    ("UpdateBlockDocument", circle, FAILED, "BLOCK_REFERENCE_CYCLE", ()),
    (
        "UpdateBlockDocument",
        lambda w: {"blockDocument": {"id": w.block, "data": ref(w.block)}, "updateMask": "data"},
        FAILED,
        "BLOCK_REFERENCE_CYCLE",
        (),
    ),
    ("UpdateBlockDocument", of_other_type, INVALID, "BLOCK_SCHEMA_OF_OTHER_TYPE", (SCHEMA,)),
    ("DeleteBlockDocument", lambda w: {"id": w.block, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
    ("DeleteBlockDocument", lambda w: {"id": w.block} if part_of(w) else {}, FAILED, "BLOCK_DOCUMENT_IN_USE", ()),
]


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...]
) -> None:
    request = ask(world)
    before = everything(world)
    refusal = world.refused(name, request)
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert everything(world) == before


def everything(world: World) -> list[Any]:
    """All that these RPCs could have written."""
    return [world.call(name) for name in ("ListBlockTypes", "ListBlockSchemas", "ListBlockDocuments")]


def test_a_name_that_is_not_there_is_told_with_those_that_are_close(world: World) -> None:
    refusal = world.refused("GetBlockDocument", by_name("login", "pord")(world))
    assert refusal.message == (
        "there is no block document login/pord; did you mean prod? `antiphon block ls` shows those there are"
    )
    refusal = world.refused("GetBlockDocument", by_name("lugin", "prod")(world))
    assert "there is no block type lugin; did you mean login? `antiphon block type ls` shows" in refusal.message


def test_half_a_surrogate_pair_is_kept(world: World) -> None:
    half = "\ud800"
    odd = login_type("odd", title=half, secret_fields=[half, f"*.{half}"])
    schema = world.call("RegisterBlockType", odd).block_schema
    assert json.loads(schema.fields)["title"] == half
    data = {half: "s", "a": {half: "s", "b": half}}
    made = {"blockDocument": {"name": "odd", "blockSchemaId": schema.id, "data": json.dumps(data)}}
    shown = world.call("CreateBlockDocument", made).block_document
    assert json.loads(shown.data) == {half: "********", "a": {half: "********", "b": half}}
    assert document(world, shown.id) == data


def secret_user(world: World) -> str:
    """Another schema of the same type, by which only the user is secret."""
    return str(world.call("RegisterBlockType", login_type(secret_fields=["user"])).block_schema.id)


def change(world: World, paths: str, **fields: Any) -> Any:
    """The document after an update, and what is told of its values."""
    request = {"blockDocument": {"id": world.block, **fields}, "updateMask": paths}
    changed = world.call("UpdateBlockDocument", request).block_document
    return changed, json.loads(changed.data)


def test_what_was_secret_stays_so_with_a_changed_schema(world: World) -> None:
    changed, shown = change(world, "blockSchemaId", blockSchemaId=secret_user(world))
    assert shown == {**MASKED, "user": "********"}
    assert changed.secret_fields == ["password", "headers.*"]
    assert document(world, world.block) == json.loads(LOGIN)
    # Until somebody says that it is not.
    _, shown = change(world, "secretFields", secretFields=["headers.*"])
    assert (shown["user"], shown["password"], shown["headers"]) == ("********", "pw-7Kx", MASKED["headers"])


def test_what_is_kept_as_it_was_stays_secret_with_a_changed_schema(world: World) -> None:
    data = json.dumps({"user": "joe", "password": "********", "headers": {"token": "open"}})
    changed, shown = change(
        world, "data,blockSchemaId,secretFields", data=data, blockSchemaId=secret_user(world), secretFields=["port"]
    )
    assert shown == {"user": "********", "password": "********", "headers": {"token": "open"}}
    assert changed.secret_fields == ["port", "password"]
    assert document(world, world.block)["password"] == "pw-7Kx"


def test_a_request_sent_again_is_answered_without_secrets(world: World) -> None:
    request = {**create(data=LOGIN)(world), "requestId": "0190163d-8694-739b-aea5-966c26f8ad91"}
    first = world.call("CreateBlockDocument", request)
    assert first == world.call("CreateBlockDocument", request)
    assert "pw-7Kx" not in first.block_document.data


def test_documents_that_lead_to_one_another_come_once_each(world: World) -> None:
    """A diamond, and a chain below it."""
    ids = [world.block]
    for name, parts in (("left", [-1]), ("right", [-2]), ("top", [-1, -2])):
        data = json.dumps({"parts": [{"$ref": {"block_document_id": ids[part]}} for part in parts]})
        made = {"name": name, "blockSchemaId": world.schema, "data": data}
        ids.append(world.call("CreateBlockDocument", {"blockDocument": made}).block_document.id)
    answer = world.call("GetBlockDocument", {"id": ids[-1]})
    assert answer.block_document.name == "top"
    assert sorted(each.name for each in answer.referenced) == ["left", "prod", "right"]

"""Variables on real sockets: set by many at once, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from hand_session import new_id
from world import MISSING, World

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, EXISTS, ABORTED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
)


def setting(name: str, value: str, **fields: Any) -> dict[str, Any]:
    return {"variable": {"name": name, "value": value, **fields}}


def test_many_who_set_one_name_at_once_all_succeed_and_make_one_variable(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: world.call("SetVariable", setting("new", str(n))), range(40)))
    assert len({answer.variable.id for answer in answers}) == 1
    left = world.call("GetVariable", {"name": "new"}).variable
    assert (left.etag, left.value in {str(n) for n in range(40)}) == ("40", True)
    assert {answer.variable.etag for answer in answers} == {str(n) for n in range(1, 41)}


def test_of_many_who_create_one_name_at_once_one_succeeds(world: World) -> None:
    def create(n: int) -> str:
        try:
            return str(world.call("CreateVariable", setting("new", str(n))).variable.value)
        except grpc.RpcError as error:
            assert error.code() is EXISTS
            return ""

    with ThreadPoolExecutor(8) as pool:
        made = [value for value in pool.map(create, range(20)) if value]
    assert made == [world.call("GetVariable", {"name": "new"}).variable.value]


def test_set_may_say_what_it_has_seen(world: World) -> None:
    seen = world.call("SetVariable", setting("db_url", "1", etag="1")).variable
    assert world.refused("SetVariable", setting("db_url", "2", etag="1")).code is ABORTED
    assert world.call("GetVariable", {"name": "db_url"}).variable == seen
    assert world.refused("SetVariable", setting("new", "2", etag="1")).code is NOT_FOUND


def test_a_request_that_is_sent_again_is_answered_as_before(world: World) -> None:
    request = {**setting("new", "1"), "requestId": new_id()}
    first = world.call("SetVariable", request)
    world.call("SetVariable", setting("new", "2"))
    assert world.call("SetVariable", request) == first
    assert world.call("GetVariable", {"name": "new"}).variable.value == "2"


@pytest.mark.parametrize(
    "value", ["null", '"\\ud800"', "123456789012345678901234567890", "1e400", "[" * 100 + "]" * 100]
)
def test_all_json_is_kept_as_it_was_written(world: World, value: str) -> None:
    assert world.call("SetVariable", setting("x", value)).variable.value == value


def test_the_longest_value(world: World) -> None:
    value = '"' + "é" * 4998 + '"'
    assert world.call("SetVariable", setting("x", value)).variable.value == value


def refusals() -> list[tuple[Any, ...]]:
    def update(paths: str, **fields: Any) -> Ask:
        return lambda w: {"variable": {"id": w.variable, **fields}, "updateMask": paths}

    def taken(w: World) -> dict[str, Any]:
        other = w.call("CreateVariable", setting("other", "1")).variable.id
        return {"variable": {"id": other, "name": "db_url"}, "updateMask": "name"}

    fields: list[tuple[dict[str, Any], str]] = [
        *((setting(name, "1"), "name") for name in ("", "Abc", "a b", "a.b", "é", "a\n", "x" * 256)),
        (setting("x", ""), "value"),
        (setting("x", '"' + "x" * 4999 + '"'), "value"),
        (setting("x", "1", tags=[""]), "tags[0]"),
        (setting("x", "1", tags=["y"] * 101), "tags"),
    ]
    no_json = ("here", "{'a': 1}", "NaN", "[Infinity]", "-Infinity", "1 2", '"a\nb"', "[" * 24, "9" * 4400, " ")
    return [
        *(
            (name, lambda w, request=request: request, INVALID, "FIELD_INVALID", (f"variable.{field}",))
            for name in ("CreateVariable", "SetVariable")
            for request, field in fields
        ),
        *(
            (name, lambda w, value=value: setting("x", value), INVALID, "VALUE_NOT_JSON", ("variable.value",))
            for name in ("CreateVariable", "SetVariable")
            for value in no_json
        ),
        *(
            ("SetVariable", lambda w, value=value: setting("x", value), INVALID, "VALUE_TOO_DEEP", ("variable.value",))
            for value in ('[{"a":' * 50 + "[1]" + "}]" * 50, "[" * 2400 + "]" * 2400)
        ),
        ("CreateVariable", lambda w: {}, INVALID, "FIELD_INVALID", ("variable",)),
        ("CreateVariable", lambda w: setting("db_url", "1"), EXISTS, "VARIABLE_EXISTS", ()),
        ("UpdateVariable", update("value", value="no"), INVALID, "VALUE_NOT_JSON", ("variable.value",)),
        ("UpdateVariable", update(""), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateVariable", update("createTime"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
        ("UpdateVariable", update("name", name="A"), INVALID, "FIELD_INVALID", ("variable.name",)),
        ("UpdateVariable", taken, EXISTS, "VARIABLE_EXISTS", ()),
        ("UpdateVariable", update("tags", etag="9"), ABORTED, "ETAG_MISMATCH", ()),
        ("UpdateVariable", update("tags", id=MISSING), NOT_FOUND, "VARIABLE_NOT_FOUND", ()),
        ("DeleteVariable", lambda w: {}, INVALID, "FIELD_INVALID", ("variable",)),
        ("DeleteVariable", lambda w: {"id": w.variable, "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("DeleteVariable", lambda w: {"name": "db_url", "etag": "9"}, ABORTED, "ETAG_MISMATCH", ()),
        ("DeleteVariable", lambda w: {"name": "nope"}, NOT_FOUND, "VARIABLE_NOT_FOUND", ()),
        ("DeleteVariable", lambda w: {"id": MISSING}, NOT_FOUND, "VARIABLE_NOT_FOUND", ()),
        ("GetVariable", lambda w: {}, INVALID, "FIELD_INVALID", ("variable",)),
        ("GetVariable", lambda w: {"name": "Not a name"}, NOT_FOUND, "VARIABLE_NOT_FOUND", ()),
        ("ListVariables", lambda w: {"filter": "value = 5"}, INVALID, "FILTER_INVALID", ("filter",)),
    ]


REFUSES = refusals()


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...]
) -> None:
    request = ask(world)
    before = world.call("ListVariables")
    refusal = world.refused(name, request)
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert world.call("ListVariables") == before
